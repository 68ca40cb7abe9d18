;;! arch = "x86_64"
;;! emit = "elf"
;;! options = "debug"
(module $both
    (func $small (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "both") (param i32) (result i32)
        (i32.add (call $small (local.get 0)) (call $small (i32.const 8))))
    (memory 1))

;; segment type=0x1 flags=0x4 offset=0x0 vaddr=0x0 filesz=0x97b memsz=0x97b align=0x1000
;; segment type=0x1 flags=0x5 offset=0x1000 vaddr=0x1000 filesz=0x166 memsz=0x166 align=0x1000
;; segment type=0x1 flags=0x6 offset=0x2000 vaddr=0x2000 filesz=0x1000 memsz=0x1000 align=0x1000
;; segment type=0x2 flags=0x6 offset=0x2000 vaddr=0x2000 filesz=0x60 memsz=0x60 align=0x8
;; segment type=0x4 flags=0x4 offset=0x400 vaddr=0x400 filesz=0x24 memsz=0x24 align=0x4
;; segment type=0x6474e550 flags=0x4 offset=0x488 vaddr=0x488 filesz=0x74 memsz=0x74 align=0x4
;; segment type=0x6474e551 flags=0x6 offset=0x0 vaddr=0x0 filesz=0x0 memsz=0x0 align=0x10
;; segment type=0x6474e552 flags=0x4 offset=0x2000 vaddr=0x2000 filesz=0x1000 memsz=0x1000 align=0x1
;;   section .wasmelt.descriptor address=0x200 size=0x200
;;   section .note.gnu.build-id address=0x400 size=0x24
;;   section .gnu.hash address=0x428 size=0x20
;;   section .dynsym address=0x448 size=0x30
;;   section .dynstr address=0x478 size=0x10
;;   section .eh_frame_hdr address=0x488 size=0x74
;;   section .eh_frame address=0x500 size=0x1bc
;;   section .wasmelt.manifest address=0x6c0 size=0xee
;;   section .wasmelt.functions address=0x7b0 size=0x10
;;   section .wasmelt.traps address=0x7c0 size=0x4
;;   section .wasmelt.offsets address=0x7c8 size=0x34
;;   section .wasmelt.names address=0x800 size=0x10
;;   section .text address=0x1000 size=0x166
;;   section .dynamic address=0x2000 size=0x60
;;   section .symtab address=0x0 size=0x150
;;   section .strtab address=0x810 size=0x16b
;;   section .debug_abbrev address=0x0 size=0x46
;;   section .debug_str address=0x0 size=0x31
;;   section .debug_line address=0x0 size=0x5a
;;   section .debug_info address=0x0 size=0x6d
;;   section .shstrtab address=0x0 size=0x125
;;   symbol wasm::small address=0x1000 size=0x17
;;   symbol wasm::both address=0x1020 size=0x1a
;;   symbol wasmelt::raise::UnreachableCodeReached address=0x1040 size=0x15
;;   symbol wasmelt::raise::MemoryOutOfBounds address=0x1060 size=0x15
;;   symbol wasmelt::raise::TableOutOfBounds address=0x1080 size=0x15
;;   symbol wasmelt::raise::IntegerDivisionByZero address=0x10a0 size=0x15
;;   symbol wasmelt::raise::IntegerOverflow address=0x10c0 size=0x15
;;   symbol wasmelt::raise::BadConversionToInteger address=0x10e0 size=0x15
;;   symbol wasmelt::raise::StackOverflow address=0x1100 size=0x15
;;   symbol wasmelt::raise::indirect address=0x1120 size=0x11
;;   symbol wasmelt::out_of_fuel address=0x1140 size=0x6
;;   symbol wasmelt::interrupted address=0x1150 size=0x6
;;   symbol wasmelt::raise::call_depth address=0x1160 size=0x6
;;   symbol wasmelt_module address=0x200 size=0x200
;;   line 0x1000 both.wasm:41
;;   line 0x1007 both.wasm:43
;;   line 0x1012 both.wasm:46
;;   line 0x1017 both.wasm:46 end
;;   line 0x1020 both.wasm:49
;;   line 0x1024 both.wasm:43
;;   line 0x1031 both.wasm:57
;;   line 0x1035 both.wasm:58
;;   line 0x103a both.wasm:58 end
;;   0 relocations, 0 undefined symbols
