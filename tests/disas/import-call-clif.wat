;;! arch = "x86_64"
;;! emit = "clif"
;;! options = ""
(module (import "m" "f" (func $f (param i32) (result i32))) (func (param i32) (result i32) (call $f (local.get 0))))

;; function 1: function[1]
;;   function u0:1(i64 vmctx, i32) -> i32 system_v {
;;       region0 = 0 "heap"
;;       region1 = 1 "table"
;;       region2 = 2 "vmctx"
;;       region3 = 3 "imported globals"
;;       gv0 = vmctx
;;       gv1 = load.i64 notrap aligned gv0+16
;;       sig0 = (i64 vmctx, i32, i64) -> i32 system_v
;;       stack_limit = gv1
;;
;;                                   block0(v0: i64, v1: i32):
;;   @0024                               v2 = load.i64 notrap aligned region2 v0-16
;;   @0024                               v3 = load.i64 notrap aligned region2 v0-8
;;   @0024                               v4 = call_indirect sig0, v2(v3, v1, v0)
;;   @0026                               jump block1
;;
;;                                   block1:
;;   @0026                               return v4
;;   }
