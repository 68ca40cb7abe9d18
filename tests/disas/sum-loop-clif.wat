;;! arch = "x86_64"
;;! emit = "clif"
;;! options = ""
(module (memory 1) (func (param i32 i32) (result i32) (local i32) (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0)))) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 1)))) (local.get 2)))

;; function 0: function[0]
;;   function u0:0(i64 vmctx, i32, i32) -> i32 system_v {
;;       region0 = 0 "heap"
;;       region1 = 1 "table"
;;       region2 = 2 "vmctx"
;;       region3 = 3 "imported globals"
;;       gv0 = vmctx
;;       gv1 = load.i64 notrap aligned gv0+16
;;       stack_limit = gv1
;;
;;                                   block0(v0: i64, v1: i32, v2: i32):
;;                                       v16 = iconst.i32 0
;;   @0027                               v6 = load.i64 notrap aligned readonly can_move v0
;;   @002f                               v10 = iconst.i32 4
;;                                       v20 = uextend.i64 v1
;;   @0021                               jump block2(v16, v20)  ; v16 = 0
;;
;;                                   block2(v3: i32, v19: i64):
;;                                       v4 = ireduce.i32 v19
;;   @0027                               v7 = iadd.i64 v6, v19
;;   @0027                               v8 = load.i32 little region0 v7
;;                                       v17 = iconst.i32 4
;;                                       v18 = iadd v4, v17  ; v17 = 4
;;   @0036                               v13 = icmp ult v18, v2
;;   @0027                               v9 = iadd v3, v8
;;                                       v21 = uextend.i64 v18
;;   @0037                               brif v13, block2(v9, v21), block4
;;
;;                                   block4:
;;   @0039                               jump block3
;;
;;                                   block3:
;;   @003c                               jump block1
;;
;;                                   block1:
;;   @003c                               return v9
;;   }
