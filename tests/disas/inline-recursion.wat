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
;;                                       v63 = iconst.i64 1
;;   @0029                               jump block4(v63)  ; v63 = 1
;;
;;                                   block3:
;;   @002e                               v6 = iconst.i64 1
;;                                       v32 = icmp.i64 eq v1, v6  ; v6 = 1
;;   @0049                               brif v32, block6, block7
;;
;;                                   block6:
;;                                       v62 = iconst.i64 1
;;   @004d                               jump block8(v62)  ; v62 = 1
;;
;;                                   block7:
;;                                       v34 = iconst.i64 2
;;                                       v42 = icmp.i64 eq v1, v34  ; v34 = 2
;;   @005e                               brif v42, block10, block11
;;
;;                                   block10:
;;                                       v59 = iconst.i64 1
;;   @0062                               jump block12(v59)  ; v59 = 1
;;
;;                                   block11:
;;                                       v51 = iconst.i64 3
;;                                       v52 = isub.i64 v1, v51  ; v51 = 3
;;   @006a                               v20 = call fn0(v0, v52)
;;                                       v57 = iconst.i64 2
;;                                       v58 = isub.i64 v1, v57  ; v57 = 2
;;   @006c                               v21 = imul v58, v20
;;   @006d                               jump block12(v21)
;;
;;                                   block12(v22: i64):
;;   @006e                               jump block9
;;
;;                                   block9:
;;                                       v60 = iconst.i64 1
;;                                       v61 = isub.i64 v1, v60  ; v60 = 1
;;   @0057                               v23 = imul v61, v22
;;   @0058                               jump block8(v23)
;;
;;                                   block8(v24: i64):
;;   @0059                               jump block5
;;
;;                                   block5:
;;   @0033                               v25 = imul.i64 v1, v24
;;   @0034                               jump block4(v25)
;;
;;                                   block4(v26: i64):
;;   @0035                               jump block1
;;
;;                                   block1:
;;   @0035                               return v26
;;   }
