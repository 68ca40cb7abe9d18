//! Calls a macro for every length of tuple that host functions and typed calls support.

macro_rules! for_each_tuple {
    ($macro:ident) => {
        $macro! { 0 }
        $macro! { 1 T1 }
        $macro! { 2 T1 T2 }
        $macro! { 3 T1 T2 T3 }
        $macro! { 4 T1 T2 T3 T4 }
        $macro! { 5 T1 T2 T3 T4 T5 }
        $macro! { 6 T1 T2 T3 T4 T5 T6 }
        $macro! { 7 T1 T2 T3 T4 T5 T6 T7 }
        $macro! { 8 T1 T2 T3 T4 T5 T6 T7 T8 }
        $macro! { 9 T1 T2 T3 T4 T5 T6 T7 T8 T9 }
        $macro! { 10 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 }
        $macro! { 11 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 }
        $macro! { 12 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 }
        $macro! { 13 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 }
        $macro! { 14 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 }
        $macro! { 15 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15 }
        $macro! { 16 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15 T16 }
    };
}
