;;! arch = "x86_64"
;;! emit = "elf"
;;! options = ""
(module (import "m" "f" (func $f (param i32) (result i32))) (func (param i32) (result i32) (call $f (local.get 0))))

;; segment type=0x1 flags=0x4 offset=0x0 vaddr=0x0 filesz=0x928 memsz=0x928 align=0x1000
;; segment type=0x1 flags=0x5 offset=0x1000 vaddr=0x1000 filesz=0x156 memsz=0x156 align=0x1000
;; segment type=0x1 flags=0x6 offset=0x2000 vaddr=0x2000 filesz=0x1000 memsz=0x1000 align=0x1000
;; segment type=0x2 flags=0x6 offset=0x2000 vaddr=0x2000 filesz=0x60 memsz=0x60 align=0x8
;; segment type=0x4 flags=0x4 offset=0x400 vaddr=0x400 filesz=0x24 memsz=0x24 align=0x4
;; segment type=0x6474e550 flags=0x4 offset=0x488 vaddr=0x488 filesz=0x6c memsz=0x6c align=0x4
;; segment type=0x6474e551 flags=0x6 offset=0x0 vaddr=0x0 filesz=0x0 memsz=0x0 align=0x10
;; segment type=0x6474e552 flags=0x4 offset=0x2000 vaddr=0x2000 filesz=0x1000 memsz=0x1000 align=0x1
;;   section .wasmelt.descriptor address=0x200 size=0x200
;;   section .note.gnu.build-id address=0x400 size=0x24
;;   section .gnu.hash address=0x428 size=0x20
;;   section .dynsym address=0x448 size=0x30
;;   section .dynstr address=0x478 size=0x10
;;   section .eh_frame_hdr address=0x488 size=0x6c
;;   section .eh_frame address=0x4f8 size=0x19c
;;   section .wasmelt.manifest address=0x698 size=0xe2
;;   section .wasmelt.functions address=0x780 size=0x8
;;   section .wasmelt.traps address=0x788 size=0x9
;;   section .wasmelt.offsets address=0x798 size=0x14
;;   section .wasmelt.names address=0x7b0 size=0x10
;;   section .text address=0x1000 size=0x156
;;   section .dynamic address=0x2000 size=0x60
;;   section .symtab address=0x0 size=0x138
;;   section .strtab address=0x7c0 size=0x168
;;   section .shstrtab address=0x0 size=0xf4
;;   symbol wasm::function[1] address=0x1000 size=0x2d
;;   symbol wasmelt::raise::UnreachableCodeReached address=0x1030 size=0x15
;;   symbol wasmelt::raise::MemoryOutOfBounds address=0x1050 size=0x15
;;   symbol wasmelt::raise::TableOutOfBounds address=0x1070 size=0x15
;;   symbol wasmelt::raise::IntegerDivisionByZero address=0x1090 size=0x15
;;   symbol wasmelt::raise::IntegerOverflow address=0x10b0 size=0x15
;;   symbol wasmelt::raise::BadConversionToInteger address=0x10d0 size=0x15
;;   symbol wasmelt::raise::StackOverflow address=0x10f0 size=0x15
;;   symbol wasmelt::raise::indirect address=0x1110 size=0x11
;;   symbol wasmelt::out_of_fuel address=0x1130 size=0x6
;;   symbol wasmelt::interrupted address=0x1140 size=0x6
;;   symbol wasmelt::raise::call_depth address=0x1150 size=0x6
;;   symbol wasmelt_module address=0x200 size=0x200
;;   0 relocations, 0 undefined symbols
