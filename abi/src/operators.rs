//! Lists every operator that has a cost in fuel, with what it costs where nothing else is asked for.

/// Calls a macro with every operator: its name in wasmparser, its name in
/// [`OperatorCost`](crate::OperatorCost), and its cost by default.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_operator {
    ($callback:ident) => {
        $callback! {
            // WebAssembly 1.0.
            Unreachable unreachable 0; Nop nop 0; Block block 0; Loop loop_ 0; If if_ 1;
            Else else_ 0; End end 0; Br br 1; BrIf br_if 1; BrTable br_table 1; Return return_ 0;
            Call call 1; CallIndirect call_indirect 1; Drop drop 0; Select select 1;
            LocalGet local_get 1; LocalSet local_set 1; LocalTee local_tee 1;
            GlobalGet global_get 1; GlobalSet global_set 1; I32Load i32_load 1; I64Load i64_load 1;
            F32Load f32_load 1; F64Load f64_load 1; I32Load8S i32_load8_s 1;
            I32Load8U i32_load8_u 1; I32Load16S i32_load16_s 1; I32Load16U i32_load16_u 1;
            I64Load8S i64_load8_s 1; I64Load8U i64_load8_u 1; I64Load16S i64_load16_s 1;
            I64Load16U i64_load16_u 1; I64Load32S i64_load32_s 1; I64Load32U i64_load32_u 1;
            I32Store i32_store 1; I64Store i64_store 1; F32Store f32_store 1; F64Store f64_store 1;
            I32Store8 i32_store8 1; I32Store16 i32_store16 1; I64Store8 i64_store8 1;
            I64Store16 i64_store16 1; I64Store32 i64_store32 1; MemorySize memory_size 1;
            MemoryGrow memory_grow 1; I32Const i32_const 1; I64Const i64_const 1;
            F32Const f32_const 1; F64Const f64_const 1; I32Eqz i32_eqz 1; I32Eq i32_eq 1;
            I32Ne i32_ne 1; I32LtS i32_lt_s 1; I32LtU i32_lt_u 1; I32GtS i32_gt_s 1;
            I32GtU i32_gt_u 1; I32LeS i32_le_s 1; I32LeU i32_le_u 1; I32GeS i32_ge_s 1;
            I32GeU i32_ge_u 1; I64Eqz i64_eqz 1; I64Eq i64_eq 1; I64Ne i64_ne 1; I64LtS i64_lt_s 1;
            I64LtU i64_lt_u 1; I64GtS i64_gt_s 1; I64GtU i64_gt_u 1; I64LeS i64_le_s 1;
            I64LeU i64_le_u 1; I64GeS i64_ge_s 1; I64GeU i64_ge_u 1; F32Eq f32_eq 1; F32Ne f32_ne 1;
            F32Lt f32_lt 1; F32Gt f32_gt 1; F32Le f32_le 1; F32Ge f32_ge 1; F64Eq f64_eq 1;
            F64Ne f64_ne 1; F64Lt f64_lt 1; F64Gt f64_gt 1; F64Le f64_le 1; F64Ge f64_ge 1;
            I32Clz i32_clz 1; I32Ctz i32_ctz 1; I32Popcnt i32_popcnt 1; I32Add i32_add 1;
            I32Sub i32_sub 1; I32Mul i32_mul 1; I32DivS i32_div_s 1; I32DivU i32_div_u 1;
            I32RemS i32_rem_s 1; I32RemU i32_rem_u 1; I32And i32_and 1; I32Or i32_or 1;
            I32Xor i32_xor 1; I32Shl i32_shl 1; I32ShrS i32_shr_s 1; I32ShrU i32_shr_u 1;
            I32Rotl i32_rotl 1; I32Rotr i32_rotr 1; I64Clz i64_clz 1; I64Ctz i64_ctz 1;
            I64Popcnt i64_popcnt 1; I64Add i64_add 1; I64Sub i64_sub 1; I64Mul i64_mul 1;
            I64DivS i64_div_s 1; I64DivU i64_div_u 1; I64RemS i64_rem_s 1; I64RemU i64_rem_u 1;
            I64And i64_and 1; I64Or i64_or 1; I64Xor i64_xor 1; I64Shl i64_shl 1;
            I64ShrS i64_shr_s 1; I64ShrU i64_shr_u 1; I64Rotl i64_rotl 1; I64Rotr i64_rotr 1;
            F32Abs f32_abs 1; F32Neg f32_neg 1; F32Ceil f32_ceil 1; F32Floor f32_floor 1;
            F32Trunc f32_trunc 1; F32Nearest f32_nearest 1; F32Sqrt f32_sqrt 1; F32Add f32_add 1;
            F32Sub f32_sub 1; F32Mul f32_mul 1; F32Div f32_div 1; F32Min f32_min 1;
            F32Max f32_max 1; F32Copysign f32_copysign 1; F64Abs f64_abs 1; F64Neg f64_neg 1;
            F64Ceil f64_ceil 1; F64Floor f64_floor 1; F64Trunc f64_trunc 1;
            F64Nearest f64_nearest 1; F64Sqrt f64_sqrt 1; F64Add f64_add 1; F64Sub f64_sub 1;
            F64Mul f64_mul 1; F64Div f64_div 1; F64Min f64_min 1; F64Max f64_max 1;
            F64Copysign f64_copysign 1; I32WrapI64 i32_wrap_i64 1; I32TruncF32S i32_trunc_f32_s 1;
            I32TruncF32U i32_trunc_f32_u 1; I32TruncF64S i32_trunc_f64_s 1;
            I32TruncF64U i32_trunc_f64_u 1; I64ExtendI32S i64_extend_i32_s 1;
            I64ExtendI32U i64_extend_i32_u 1; I64TruncF32S i64_trunc_f32_s 1;
            I64TruncF32U i64_trunc_f32_u 1; I64TruncF64S i64_trunc_f64_s 1;
            I64TruncF64U i64_trunc_f64_u 1; F32ConvertI32S f32_convert_i32_s 1;
            F32ConvertI32U f32_convert_i32_u 1; F32ConvertI64S f32_convert_i64_s 1;
            F32ConvertI64U f32_convert_i64_u 1; F32DemoteF64 f32_demote_f64 1;
            F64ConvertI32S f64_convert_i32_s 1; F64ConvertI32U f64_convert_i32_u 1;
            F64ConvertI64S f64_convert_i64_s 1; F64ConvertI64U f64_convert_i64_u 1;
            F64PromoteF32 f64_promote_f32 1; I32ReinterpretF32 i32_reinterpret_f32 1;
            I64ReinterpretF64 i64_reinterpret_f64 1; F32ReinterpretI32 f32_reinterpret_i32 1;
            F64ReinterpretI64 f64_reinterpret_i64 1;
            // Sign extension.
            I32Extend8S i32_extend8_s 1; I32Extend16S i32_extend16_s 1; I64Extend8S i64_extend8_s 1;
            I64Extend16S i64_extend16_s 1; I64Extend32S i64_extend32_s 1;
            // Saturating conversions.
            I32TruncSatF32S i32_trunc_sat_f32_s 1; I32TruncSatF32U i32_trunc_sat_f32_u 1;
            I32TruncSatF64S i32_trunc_sat_f64_s 1; I32TruncSatF64U i32_trunc_sat_f64_u 1;
            I64TruncSatF32S i64_trunc_sat_f32_s 1; I64TruncSatF32U i64_trunc_sat_f32_u 1;
            I64TruncSatF64S i64_trunc_sat_f64_s 1; I64TruncSatF64U i64_trunc_sat_f64_u 1;
            // Reference types.
            RefNull ref_null 1; RefIsNull ref_is_null 1; RefFunc ref_func 1;
            TypedSelect typed_select 1;
            // Tail calls.
            ReturnCall return_call 1; ReturnCallIndirect return_call_indirect 1;
            // Bulk memory.
            MemoryInit memory_init 1; DataDrop data_drop 1; MemoryCopy memory_copy 1;
            MemoryFill memory_fill 1; TableInit table_init 1; ElemDrop elem_drop 1;
            TableCopy table_copy 1; TableFill table_fill 1; TableGet table_get 1;
            TableSet table_set 1; TableGrow table_grow 1; TableSize table_size 1;
            // Wide arithmetic.
            I64Add128 i64_add128 1; I64Sub128 i64_sub128 1; I64MulWideS i64_mul_wide_s 1;
            I64MulWideU i64_mul_wide_u 1;
            // Vectors.
            V128Load v128_load 1; V128Load8x8S v128_load8x8_s 1; V128Load8x8U v128_load8x8_u 1;
            V128Load16x4S v128_load16x4_s 1; V128Load16x4U v128_load16x4_u 1;
            V128Load32x2S v128_load32x2_s 1; V128Load32x2U v128_load32x2_u 1;
            V128Load8Splat v128_load8_splat 1; V128Load16Splat v128_load16_splat 1;
            V128Load32Splat v128_load32_splat 1; V128Load64Splat v128_load64_splat 1;
            V128Load32Zero v128_load32_zero 1; V128Load64Zero v128_load64_zero 1;
            V128Store v128_store 1; V128Load8Lane v128_load8_lane 1;
            V128Load16Lane v128_load16_lane 1; V128Load32Lane v128_load32_lane 1;
            V128Load64Lane v128_load64_lane 1; V128Store8Lane v128_store8_lane 1;
            V128Store16Lane v128_store16_lane 1; V128Store32Lane v128_store32_lane 1;
            V128Store64Lane v128_store64_lane 1; V128Const v128_const 1;
            I8x16Shuffle i8x16_shuffle 1; I8x16ExtractLaneS i8x16_extract_lane_s 1;
            I8x16ExtractLaneU i8x16_extract_lane_u 1; I8x16ReplaceLane i8x16_replace_lane 1;
            I16x8ExtractLaneS i16x8_extract_lane_s 1; I16x8ExtractLaneU i16x8_extract_lane_u 1;
            I16x8ReplaceLane i16x8_replace_lane 1; I32x4ExtractLane i32x4_extract_lane 1;
            I32x4ReplaceLane i32x4_replace_lane 1; I64x2ExtractLane i64x2_extract_lane 1;
            I64x2ReplaceLane i64x2_replace_lane 1; F32x4ExtractLane f32x4_extract_lane 1;
            F32x4ReplaceLane f32x4_replace_lane 1; F64x2ExtractLane f64x2_extract_lane 1;
            F64x2ReplaceLane f64x2_replace_lane 1; I8x16Swizzle i8x16_swizzle 1;
            I8x16Splat i8x16_splat 1; I16x8Splat i16x8_splat 1; I32x4Splat i32x4_splat 1;
            I64x2Splat i64x2_splat 1; F32x4Splat f32x4_splat 1; F64x2Splat f64x2_splat 1;
            I8x16Eq i8x16_eq 1; I8x16Ne i8x16_ne 1; I8x16LtS i8x16_lt_s 1; I8x16LtU i8x16_lt_u 1;
            I8x16GtS i8x16_gt_s 1; I8x16GtU i8x16_gt_u 1; I8x16LeS i8x16_le_s 1;
            I8x16LeU i8x16_le_u 1; I8x16GeS i8x16_ge_s 1; I8x16GeU i8x16_ge_u 1; I16x8Eq i16x8_eq 1;
            I16x8Ne i16x8_ne 1; I16x8LtS i16x8_lt_s 1; I16x8LtU i16x8_lt_u 1; I16x8GtS i16x8_gt_s 1;
            I16x8GtU i16x8_gt_u 1; I16x8LeS i16x8_le_s 1; I16x8LeU i16x8_le_u 1;
            I16x8GeS i16x8_ge_s 1; I16x8GeU i16x8_ge_u 1; I32x4Eq i32x4_eq 1; I32x4Ne i32x4_ne 1;
            I32x4LtS i32x4_lt_s 1; I32x4LtU i32x4_lt_u 1; I32x4GtS i32x4_gt_s 1;
            I32x4GtU i32x4_gt_u 1; I32x4LeS i32x4_le_s 1; I32x4LeU i32x4_le_u 1;
            I32x4GeS i32x4_ge_s 1; I32x4GeU i32x4_ge_u 1; I64x2Eq i64x2_eq 1; I64x2Ne i64x2_ne 1;
            I64x2LtS i64x2_lt_s 1; I64x2GtS i64x2_gt_s 1; I64x2LeS i64x2_le_s 1;
            I64x2GeS i64x2_ge_s 1; F32x4Eq f32x4_eq 1; F32x4Ne f32x4_ne 1; F32x4Lt f32x4_lt 1;
            F32x4Gt f32x4_gt 1; F32x4Le f32x4_le 1; F32x4Ge f32x4_ge 1; F64x2Eq f64x2_eq 1;
            F64x2Ne f64x2_ne 1; F64x2Lt f64x2_lt 1; F64x2Gt f64x2_gt 1; F64x2Le f64x2_le 1;
            F64x2Ge f64x2_ge 1; V128Not v128_not 1; V128And v128_and 1; V128AndNot v128_and_not 1;
            V128Or v128_or 1; V128Xor v128_xor 1; V128Bitselect v128_bitselect 1;
            V128AnyTrue v128_any_true 1; I8x16Abs i8x16_abs 1; I8x16Neg i8x16_neg 1;
            I8x16Popcnt i8x16_popcnt 1; I8x16AllTrue i8x16_all_true 1; I8x16Bitmask i8x16_bitmask 1;
            I8x16NarrowI16x8S i8x16_narrow_i16x8_s 1; I8x16NarrowI16x8U i8x16_narrow_i16x8_u 1;
            I8x16Shl i8x16_shl 1; I8x16ShrS i8x16_shr_s 1; I8x16ShrU i8x16_shr_u 1;
            I8x16Add i8x16_add 1; I8x16AddSatS i8x16_add_sat_s 1; I8x16AddSatU i8x16_add_sat_u 1;
            I8x16Sub i8x16_sub 1; I8x16SubSatS i8x16_sub_sat_s 1; I8x16SubSatU i8x16_sub_sat_u 1;
            I8x16MinS i8x16_min_s 1; I8x16MinU i8x16_min_u 1; I8x16MaxS i8x16_max_s 1;
            I8x16MaxU i8x16_max_u 1; I8x16AvgrU i8x16_avgr_u 1;
            I16x8ExtAddPairwiseI8x16S i16x8_ext_add_pairwise_i8x16_s 1;
            I16x8ExtAddPairwiseI8x16U i16x8_ext_add_pairwise_i8x16_u 1; I16x8Abs i16x8_abs 1;
            I16x8Neg i16x8_neg 1; I16x8Q15MulrSatS i16x8_q15_mulr_sat_s 1;
            I16x8AllTrue i16x8_all_true 1; I16x8Bitmask i16x8_bitmask 1;
            I16x8NarrowI32x4S i16x8_narrow_i32x4_s 1; I16x8NarrowI32x4U i16x8_narrow_i32x4_u 1;
            I16x8ExtendLowI8x16S i16x8_extend_low_i8x16_s 1;
            I16x8ExtendHighI8x16S i16x8_extend_high_i8x16_s 1;
            I16x8ExtendLowI8x16U i16x8_extend_low_i8x16_u 1;
            I16x8ExtendHighI8x16U i16x8_extend_high_i8x16_u 1; I16x8Shl i16x8_shl 1;
            I16x8ShrS i16x8_shr_s 1; I16x8ShrU i16x8_shr_u 1; I16x8Add i16x8_add 1;
            I16x8AddSatS i16x8_add_sat_s 1; I16x8AddSatU i16x8_add_sat_u 1; I16x8Sub i16x8_sub 1;
            I16x8SubSatS i16x8_sub_sat_s 1; I16x8SubSatU i16x8_sub_sat_u 1; I16x8Mul i16x8_mul 1;
            I16x8MinS i16x8_min_s 1; I16x8MinU i16x8_min_u 1; I16x8MaxS i16x8_max_s 1;
            I16x8MaxU i16x8_max_u 1; I16x8AvgrU i16x8_avgr_u 1;
            I16x8ExtMulLowI8x16S i16x8_ext_mul_low_i8x16_s 1;
            I16x8ExtMulHighI8x16S i16x8_ext_mul_high_i8x16_s 1;
            I16x8ExtMulLowI8x16U i16x8_ext_mul_low_i8x16_u 1;
            I16x8ExtMulHighI8x16U i16x8_ext_mul_high_i8x16_u 1;
            I32x4ExtAddPairwiseI16x8S i32x4_ext_add_pairwise_i16x8_s 1;
            I32x4ExtAddPairwiseI16x8U i32x4_ext_add_pairwise_i16x8_u 1; I32x4Abs i32x4_abs 1;
            I32x4Neg i32x4_neg 1; I32x4AllTrue i32x4_all_true 1; I32x4Bitmask i32x4_bitmask 1;
            I32x4ExtendLowI16x8S i32x4_extend_low_i16x8_s 1;
            I32x4ExtendHighI16x8S i32x4_extend_high_i16x8_s 1;
            I32x4ExtendLowI16x8U i32x4_extend_low_i16x8_u 1;
            I32x4ExtendHighI16x8U i32x4_extend_high_i16x8_u 1; I32x4Shl i32x4_shl 1;
            I32x4ShrS i32x4_shr_s 1; I32x4ShrU i32x4_shr_u 1; I32x4Add i32x4_add 1;
            I32x4Sub i32x4_sub 1; I32x4Mul i32x4_mul 1; I32x4MinS i32x4_min_s 1;
            I32x4MinU i32x4_min_u 1; I32x4MaxS i32x4_max_s 1; I32x4MaxU i32x4_max_u 1;
            I32x4DotI16x8S i32x4_dot_i16x8_s 1; I32x4ExtMulLowI16x8S i32x4_ext_mul_low_i16x8_s 1;
            I32x4ExtMulHighI16x8S i32x4_ext_mul_high_i16x8_s 1;
            I32x4ExtMulLowI16x8U i32x4_ext_mul_low_i16x8_u 1;
            I32x4ExtMulHighI16x8U i32x4_ext_mul_high_i16x8_u 1; I64x2Abs i64x2_abs 1;
            I64x2Neg i64x2_neg 1; I64x2AllTrue i64x2_all_true 1; I64x2Bitmask i64x2_bitmask 1;
            I64x2ExtendLowI32x4S i64x2_extend_low_i32x4_s 1;
            I64x2ExtendHighI32x4S i64x2_extend_high_i32x4_s 1;
            I64x2ExtendLowI32x4U i64x2_extend_low_i32x4_u 1;
            I64x2ExtendHighI32x4U i64x2_extend_high_i32x4_u 1; I64x2Shl i64x2_shl 1;
            I64x2ShrS i64x2_shr_s 1; I64x2ShrU i64x2_shr_u 1; I64x2Add i64x2_add 1;
            I64x2Sub i64x2_sub 1; I64x2Mul i64x2_mul 1;
            I64x2ExtMulLowI32x4S i64x2_ext_mul_low_i32x4_s 1;
            I64x2ExtMulHighI32x4S i64x2_ext_mul_high_i32x4_s 1;
            I64x2ExtMulLowI32x4U i64x2_ext_mul_low_i32x4_u 1;
            I64x2ExtMulHighI32x4U i64x2_ext_mul_high_i32x4_u 1; F32x4Ceil f32x4_ceil 1;
            F32x4Floor f32x4_floor 1; F32x4Trunc f32x4_trunc 1; F32x4Nearest f32x4_nearest 1;
            F32x4Abs f32x4_abs 1; F32x4Neg f32x4_neg 1; F32x4Sqrt f32x4_sqrt 1;
            F32x4Add f32x4_add 1; F32x4Sub f32x4_sub 1; F32x4Mul f32x4_mul 1; F32x4Div f32x4_div 1;
            F32x4Min f32x4_min 1; F32x4Max f32x4_max 1; F32x4PMin f32x4_pmin 1;
            F32x4PMax f32x4_pmax 1; F64x2Ceil f64x2_ceil 1; F64x2Floor f64x2_floor 1;
            F64x2Trunc f64x2_trunc 1; F64x2Nearest f64x2_nearest 1; F64x2Abs f64x2_abs 1;
            F64x2Neg f64x2_neg 1; F64x2Sqrt f64x2_sqrt 1; F64x2Add f64x2_add 1;
            F64x2Sub f64x2_sub 1; F64x2Mul f64x2_mul 1; F64x2Div f64x2_div 1; F64x2Min f64x2_min 1;
            F64x2Max f64x2_max 1; F64x2PMin f64x2_pmin 1; F64x2PMax f64x2_pmax 1;
            I32x4TruncSatF32x4S i32x4_trunc_sat_f32x4_s 1;
            I32x4TruncSatF32x4U i32x4_trunc_sat_f32x4_u 1;
            F32x4ConvertI32x4S f32x4_convert_i32x4_s 1; F32x4ConvertI32x4U f32x4_convert_i32x4_u 1;
            I32x4TruncSatF64x2SZero i32x4_trunc_sat_f64x2_szero 1;
            I32x4TruncSatF64x2UZero i32x4_trunc_sat_f64x2_uzero 1;
            F64x2ConvertLowI32x4S f64x2_convert_low_i32x4_s 1;
            F64x2ConvertLowI32x4U f64x2_convert_low_i32x4_u 1;
            F32x4DemoteF64x2Zero f32x4_demote_f64x2_zero 1;
            F64x2PromoteLowF32x4 f64x2_promote_low_f32x4 1;
            // Relaxed vectors.
            I8x16RelaxedSwizzle i8x16_relaxed_swizzle 1;
            I32x4RelaxedTruncF32x4S i32x4_relaxed_trunc_f32x4_s 1;
            I32x4RelaxedTruncF32x4U i32x4_relaxed_trunc_f32x4_u 1;
            I32x4RelaxedTruncF64x2SZero i32x4_relaxed_trunc_f64x2_szero 1;
            I32x4RelaxedTruncF64x2UZero i32x4_relaxed_trunc_f64x2_uzero 1;
            F32x4RelaxedMadd f32x4_relaxed_madd 1; F32x4RelaxedNmadd f32x4_relaxed_nmadd 1;
            F64x2RelaxedMadd f64x2_relaxed_madd 1; F64x2RelaxedNmadd f64x2_relaxed_nmadd 1;
            I8x16RelaxedLaneselect i8x16_relaxed_laneselect 1;
            I16x8RelaxedLaneselect i16x8_relaxed_laneselect 1;
            I32x4RelaxedLaneselect i32x4_relaxed_laneselect 1;
            I64x2RelaxedLaneselect i64x2_relaxed_laneselect 1; F32x4RelaxedMin f32x4_relaxed_min 1;
            F32x4RelaxedMax f32x4_relaxed_max 1; F64x2RelaxedMin f64x2_relaxed_min 1;
            F64x2RelaxedMax f64x2_relaxed_max 1; I16x8RelaxedQ15mulrS i16x8_relaxed_q15mulr_s 1;
            I16x8RelaxedDotI8x16I7x16S i16x8_relaxed_dot_i8x16_i7x16_s 1;
            I32x4RelaxedDotI8x16I7x16AddS i32x4_relaxed_dot_i8x16_i7x16_add_s 1;
        }
    };
}
