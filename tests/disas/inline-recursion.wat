;;! arch = "x86_64"
;;! emit = "clif"
;;! options = ""
(module (func $fac (export "fac") (param i64) (result i64) (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1)) (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1))))))))

;; function 0: fac
;;   function u0:0(i64 vmctx, i64) -> i64 system_v {
;;       region0 = 0 "heap"
;;       region1 = 1 "table"
;;       region2 = 2 "vmctx"
;;       region3 = 3 "imported globals"
;;       gv0 = vmctx
;;       gv1 = load.i64 notrap aligned gv0+16
;;       sig0 = (i64 vmctx, i64) -> i64 system_v
;;       fn0 = colocated u0:0 sig0
;;       stack_limit = gv1
;;
;;                                   block0(v0: i64, v1: i64):
;;   @0024                               v2 = iconst.i64 0
;;   @0024                               v3 = icmp eq v1, v2  ; v2 = 0
;;   @0025                               brif v3, block2, block3
;;
;;                                   block2:
;;                                       v32 = iconst.i64 1
;;   @0029                               jump block4(v32)  ; v32 = 1
;;
;;                                   block3:
;;   @002e                               v6 = iconst.i64 1
;;                                       v24 = icmp.i64 eq v1, v6  ; v6 = 1
;;   @0049                               brif v24, block6, block7
;;
;;                                   block6:
;;                                       v31 = iconst.i64 1
;;   @004d                               jump block8(v31)  ; v31 = 1
;;
;;                                   block7:
;;                                       v26 = iconst.i64 2
;;                                       v27 = isub.i64 v1, v26  ; v26 = 2
;;   @0055                               v14 = call fn0(v0, v27)
;;                                       v29 = iconst.i64 1
;;                                       v30 = isub.i64 v1, v29  ; v29 = 1
;;   @0057                               v15 = imul v30, v14
;;   @0058                               jump block8(v15)
;;
;;                                   block8(v16: i64):
;;   @0059                               jump block5
;;
;;                                   block5:
;;   @0033                               v17 = imul.i64 v1, v16
;;   @0034                               jump block4(v17)
;;
;;                                   block4(v18: i64):
;;   @0035                               jump block1
;;
;;                                   block1:
;;   @0035                               return v18
;;   }
