;;! arch = "aarch64"
;;! emit = "elf"
;;! options = ""
(module (import "m" "f" (func $f (param i32) (result i32))) (func (param i32) (result i32) (call $f (local.get 0))))

;; segment type=0x1 flags=0x4 offset=0x0 vaddr=0x0 filesz=0x928 memsz=0x928 align=0x10000
;; segment type=0x1 flags=0x5 offset=0x10000 vaddr=0x10000 filesz=0x16c memsz=0x16c align=0x10000
;; segment type=0x1 flags=0x6 offset=0x20000 vaddr=0x20000 filesz=0x10000 memsz=0x10000 align=0x10000
;; segment type=0x2 flags=0x6 offset=0x20000 vaddr=0x20000 filesz=0x60 memsz=0x60 align=0x8
;; segment type=0x4 flags=0x4 offset=0x400 vaddr=0x400 filesz=0x24 memsz=0x24 align=0x4
;; segment type=0x6474e550 flags=0x4 offset=0x488 vaddr=0x488 filesz=0x6c memsz=0x6c align=0x4
;; segment type=0x6474e551 flags=0x6 offset=0x0 vaddr=0x0 filesz=0x0 memsz=0x0 align=0x10
;; segment type=0x6474e552 flags=0x4 offset=0x20000 vaddr=0x20000 filesz=0x10000 memsz=0x10000 align=0x1
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
;;   section .text address=0x10000 size=0x16c
;;   section .dynamic address=0x20000 size=0x60
;;   section .symtab address=0x0 size=0x138
;;   section .strtab address=0x7c0 size=0x168
;;   section .shstrtab address=0x0 size=0xf4
;;   symbol wasm::function[1] address=0x10000 size=0x38
;;   symbol wasmelt::raise::UnreachableCodeReached address=0x10040 size=0x1c
;;   symbol wasmelt::raise::MemoryOutOfBounds address=0x10060 size=0x1c
;;   symbol wasmelt::raise::TableOutOfBounds address=0x10080 size=0x1c
;;   symbol wasmelt::raise::IntegerDivisionByZero address=0x100a0 size=0x1c
;;   symbol wasmelt::raise::IntegerOverflow address=0x100c0 size=0x1c
;;   symbol wasmelt::raise::BadConversionToInteger address=0x100e0 size=0x1c
;;   symbol wasmelt::raise::StackOverflow address=0x10100 size=0x1c
;;   symbol wasmelt::raise::indirect address=0x10120 size=0x18
;;   symbol wasmelt::out_of_fuel address=0x10140 size=0xc
;;   symbol wasmelt::interrupted address=0x10150 size=0xc
;;   symbol wasmelt::raise::call_depth address=0x10160 size=0xc
;;   symbol wasmelt_module address=0x200 size=0x200
;;   0 relocations, 0 undefined symbols
