;;! arch = "x86_64"
;;! emit = "clif"
;;! options = "explicit"
(module (memory 1) (func (param i32) (result i32) (drop (memory.grow (local.get 0))) (memory.size)))

;; function 0: function[0]
;;   function u0:0(i64 vmctx, i32) -> i32 system_v {
;;       region0 = 0 "heap"
;;       region1 = 1 "table"
;;       region2 = 2 "vmctx"
;;       region3 = 3 "imported globals"
;;       gv0 = vmctx
;;       gv1 = load.i64 notrap aligned gv0+16
;;       sig0 = (i64 vmctx, i32) -> i32 system_v
;;       stack_limit = gv1
;;
;;                                   block0(v0: i64, v1: i32):
;;   @0020                               v2 = load.i64 notrap aligned readonly can_move v0+56
;;   @0020                               v3 = load.i64 notrap aligned readonly can_move v2+8
;;   @0020                               v4 = call_indirect sig0, v3(v0, v1)
;;   @0023                               v5 = load.i64 notrap aligned region2 v0+8
;;   @0025                               jump block1
;;
;;                                   block1:
;;   @0023                               v6 = iconst.i64 16
;;   @0023                               v7 = ushr.i64 v5, v6  ; v6 = 16
;;   @0023                               v8 = ireduce.i32 v7
;;   @0025                               return v8
;;   }
