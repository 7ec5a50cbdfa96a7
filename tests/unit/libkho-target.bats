#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Facts about a kernel image, and findings about one that would lose state. The
# images are made here: a kernel's strings in an ELF file, packed in each way.

# shellcheck disable=SC2030,SC2031 # each test runs in a shell of its own

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	target=$KHO_BUILDDIR/tests/unit/test-target
	outgoing=$fixtures/v4-outgoing.khosnap
	cd "$BATS_TEST_TMPDIR" || return 1
}

# make_elf FILE [NAME=STRING...]: an ELF file whose .rodata has these strings.
make_elf() {
	local file=$1 entry
	shift
	for entry; do
		printf 'const char %s[] = "%s";\n' "${entry%%=*}" "${entry#*=}"
	done >strings.c
	"${CC:-gcc}" -c -o "$file" strings.c
}

# As above, a kernel like the one that took the snapshot, but for what is given.
make_kernel() {
	local file=$1
	shift
	make_elf "$file" 'banner=Linux version 9.9.9-test (me@here) #1' "$@"
}

full=(root=kho-v4 luo=luo-v5 dma=dma-alloc-v1)

# add_config FILE LINE...: the way CONFIG_IKCONFIG does it.
add_config() {
	local file=$1
	shift
	printf '%s\n' '# a kernel' "$@" '# end' | gzip >config.gz
	printf '.section .rodata\n.ascii "IKCFG_ST"\n.incbin "config.gz"\n.ascii "IKCFG_ED"\n' >config.s
	"${CC:-gcc}" -c -o config.o config.s
	"${LD:-ld}" -r -o with-config "$file" config.o
	mv with-config "$file"
}

# image KIND FILE ARGUMENT...
image() {
	"$lab/kernel_image.py" "$@"
}

# The unpacked size, as the kernel's build appends it.
append_size() {
	/usr/bin/python3 -c 'import struct, sys
sys.stdout.buffer.write(struct.pack("<I", int(sys.argv[1])))' "$(stat -c %s "$1")"
}

# finds EXPECTED ARGUMENT...: the findings, on one line.
finds() {
	local expected=$1
	shift
	run -0 "$target" "$outgoing" "$@"
	[ "$(grep '^K' <<<"$output" | paste -sd,)" = "$expected" ] || {
		echo "$output"
		return 1
	}
}

cannot_tell() {
	run -2 "$target" "$outgoing" "$1"
}

# Has the state compared with an arm64 machine's: the snapshot with that number in its ELF header.
of_arm64() {
	cp "$BATS_TEST_DIRNAME/../fixtures/v4-outgoing.khosnap" arm64.khosnap
	printf '\xb7\x00' | dd of=arm64.khosnap bs=1 seek=18 conv=notrunc status=none
	outgoing=arm64.khosnap
}

@test "a vmlinux: its formats and its release" {
	make_kernel vmlinux "${full[@]}"
	finds "" vmlinux
	[[ $output == "vmlinux 9.9.9-test kho=1 default=0 config=0 root=kho-v4 luo=luo-v5 dma=dma-alloc-v1 page=4096 rules=6" ]]
}

@test "a bzImage, whatever its payload is packed with" {
	local name
	make_kernel vmlinux "${full[@]}"
	gzip -9 <vmlinux >payload.gzip
	{ xz --check=crc32 --x86 --lzma2=,dict=32MiB <vmlinux; append_size vmlinux; } >payload.xz
	{ xz --format=lzma -9 <vmlinux; append_size vmlinux; } >payload.lzma
	{ zstd -q -22 --ultra <vmlinux; append_size vmlinux; } >payload.zstd
	image lz4 payload.lz4 vmlinux
	append_size vmlinux >>payload.lz4
	for name in gzip xz lzma zstd lz4; do
		image bzimage bzImage "payload.$name"
		finds "" bzImage
		[[ $output == "bzImage 9.9.9-test kho=1 "*" root=kho-v4 luo=luo-v5 dma=dma-alloc-v1 "* ]]
	done
}

@test "lz4 and xz need a library that is loaded on demand: kho-inspect has it in its sandbox, or names it" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect name
	make_kernel vmlinux "${full[@]}"
	{ xz --check=crc32 <vmlinux; append_size vmlinux; } >payload.xz
	image lz4 payload.lz4 vmlinux
	append_size vmlinux >>payload.lz4
	mkdir lib
	echo nothing | tee lib/liblz4.so.1 >lib/liblzma.so.5
	for name in lz4 xz; do
		image bzimage bzImage "payload.$name"
		run -0 "$inspect" check-target --core "$outgoing" bzImage
		LD_LIBRARY_PATH=$PWD/lib run -2 "$inspect" check-target --core "$outgoing" bzImage
		[[ $output == *"cannot unpack it: its library is missing. Install liblz4.so.1 and liblzma.so.5."* ]]
	done
}

@test "a bzImage that says in kernel_info what it reads is not unpacked" {
	head -c 5000 /dev/urandom >payload
	image bzimage bzImage payload 1234
	cannot_tell bzImage
	image info bzImage 1 kho-v4 luo-v5 dma-alloc-v1
	finds "" bzImage
	[[ $output == "bzImage 9.9.9-info kho=1 default=1 config=1 root=kho-v4 luo=luo-v5 dma=dma-alloc-v1 page=4096 rules=6" ]]
}

@test "formats with bytes that are not text are printed as text, and are other formats" {
	local bad='\xff\x9b\x1b[2J' format
	make_kernel vmlinux "root=kho-v4$bad" "luo=luo-v5$bad" "dma=dma-alloc-v1$bad"
	head -c 5000 /dev/urandom >payload
	image bzimage bzImage payload 1234
	image info bzImage 1 "$(printf 'kho-v4%b' "$bad")" "$(printf 'luo-v5%b' "$bad")" "$(printf 'dma-alloc-v1%b' "$bad")"
	for format in vmlinux bzImage; do
		run -0 "$target" "$outgoing" "$format"
		[[ $output == *" root=kho-v4$bad luo=luo-v5$bad dma=dma-alloc-v1$bad "* ]]
		[[ $output == *"K602 fatal"* ]]
		run -1 "$KHO_BUILDDIR/tools/kho-inspect/kho-inspect" check-target --core "$outgoing" "$format"
		[[ $output == *"root kho-v4$bad, LUO luo-v5$bad, DMA records dma-alloc-v1$bad"* ]]
		run ! grep -qP '[^ -~]' <<<"$output"
	done
}

@test "K601, K602, K604, K605: kernel_info of other formats, and of none" {
	head -c 5000 /dev/urandom >payload
	image bzimage plain payload
	cp plain bzImage && image info bzImage 0 "" "" ""
	finds "K601 fatal" bzImage
	cp plain bzImage && image info bzImage 0 kho-v3 luo-v5 dma-alloc-v1
	finds "K602 fatal" bzImage
	cp plain bzImage && image info bzImage 0 kho-v4 luo-v5 ""
	finds "K604 fatal" bzImage
	cp plain bzImage && image info bzImage 0 kho-v4 luo-v5 dma-alloc-v1
	finds "" bzImage kho=on
	finds "K605 error" bzImage quiet
}

@test "a kernel_info that is damaged or cut off says nothing: the payload is looked at" {
	local size edit
	make_kernel vmlinux "${full[@]}"
	gzip <vmlinux >payload
	image bzimage plain payload
	size=$(stat -c %s plain)
	cp plain whole && image info whole 1 kho-v3 luo-v4 dma-alloc-v2
	finds "K602 fatal,K604 fatal" whole
	# magic, size, size of all, magic and size of the chunks before it, and the chunk's own size
	for edit in 0 4 8 20 33 37; do
		/usr/bin/python3 - whole bzImage $((size + edit)) <<'PYTHON'
import sys
image = bytearray(open(sys.argv[1], "rb").read())
at = int(sys.argv[3])
image[at:at + 4] = b"\xff\xff\xff\xff"
open(sys.argv[2], "wb").write(image)
PYTHON
		finds "" bzImage
		[[ $output == "bzImage 9.9.9-test "* ]]
	done
	for edit in 1 10 30 50 60; do
		head -c -"$edit" whole >bzImage
		finds "" bzImage
		[[ $output == "bzImage 9.9.9-test "* ]]
	done
}

@test "a payload that ends too early is an error, never a kernel without KHO" {
	local name size cut
	make_kernel vmlinux "${full[@]}"
	gzip <vmlinux >payload.gzip
	xz --check=crc32 <vmlinux >payload.xz
	zstd -q <vmlinux >payload.zstd
	image lz4 payload.lz4 vmlinux
	for name in gzip xz zstd lz4; do
		size=$(stat -c %s "payload.$name")
		for cut in 1 5 $((size / 2)) $((size - 8)); do
			head -c -"$cut" "payload.$name" >shorter
			image bzimage bzImage shorter
			run -2 --separate-stderr "$target" "$outgoing" bzImage
			[ -z "$output" ]
		done
	done
}

@test "a file that is not a kernel gives no verdict, and the message says so" {
	make_elf program "${full[@]}"
	run -2 "$target" "$outgoing" program
	[[ $output == *"does not contain the version of Linux"*"Give a bzImage (vmlinuz), vmlinux or arm64 Image."* ]]
	head -c 100000 /dev/urandom >noise
	run -2 "$target" "$outgoing" noise
	: >empty
	run -2 "$target" "$outgoing" empty
	run -2 "$target" "$outgoing" .
	make_kernel vmlinux
	xz <vmlinux | tail -c +2 >payload
	image bzimage bzImage payload
	run -2 "$target" "$outgoing" bzImage
	[[ $output == *"cannot unpack"* ]]
}

@test "K601: a kernel without KHO" {
	make_kernel vmlinux dma=dma-alloc-v1
	finds "K601 fatal" vmlinux
}

@test "K601: strings of programs in an initramfs that is built in are not the kernel's" {
	make_elf kernel.o 'banner=Linux version 9.9.9-test (me@here) #1'
	printf '.section .init.data,"aw"\n.byte 0\n.asciz "kho-v4"\n' >ramfs.s
	"${CC:-gcc}" -c -o ramfs.o ramfs.s
	"${LD:-ld}" -r -o vmlinux kernel.o ramfs.o
	grep -aq kho-v4 vmlinux
	finds "K601 fatal" vmlinux
}

@test "K601: the embedded configuration has the last word" {
	make_kernel vmlinux "${full[@]}"
	add_config vmlinux '# CONFIG_KEXEC_HANDOVER is not set'
	finds "K601 fatal" vmlinux
}

# make_linked FILE PAD STRING...: linked as arch/x86/kernel/vmlinux.lds.S does it, code and
# .rodata in one segment, what is freed after boot in another. The strings come after so many
# bytes; after the segment comes what packs badly, so that it takes long to unpack.
make_linked() {
	local file=$1 pad=$2 entry
	shift 2
	{
		printf '.text\nnop\n.section .rodata\n.zero %s\n' "$pad"
		for entry; do
			printf '.asciz "%s"\n' "$entry"
		done
		printf '.byte 0\n.section .init.data,"aw"\n.byte 0\n.asciz "%s"\n.incbin "noise"\n' "${in_initramfs:-}"
	} >linked.s
	[ -e noise ] || head -c 3000000 /dev/urandom >noise
	cat >linked.lds <<-'END'
		PHDRS { text PT_LOAD FLAGS(5); init PT_LOAD FLAGS(6); }
		SECTIONS {
			. = 0x1000000;
			.text : { *(.text) } :text
			.rodata : { *(.rodata) } :text
			.init.data : { *(.init.data) } :init
			/DISCARD/ : { *(.note*) }
		}
	END
	"${CC:-gcc}" -c -o linked.o linked.s
	"${LD:-ld}" -T linked.lds -e 0 -o "$file" linked.o
}

linked=('Linux version 9.9.9-test (me@here) #1' kho-v4 luo-v5 dma-alloc-v1)

@test "a bzImage is unpacked as far as its strings are, wherever a part of it ends" {
	local pad at
	for pad in 1 1044360 1044380 1044400 1044410 1044420 1044440 1044480; do
		make_linked vmlinux "$pad" "${linked[@]}"
		gzip -1 <vmlinux >payload
		image bzimage bzImage payload
		finds "" bzImage
		[[ $output == "bzImage 9.9.9-test kho=1 default=0 config=0 root=kho-v4 luo=luo-v5 dma=dma-alloc-v1 page=4096 rules=6" ]]
		# as all of it says, with nothing left out
		run -0 "$target" "$outgoing" vmlinux
		[[ $output == "vmlinux 9.9.9-test kho=1 default=0 config=0 root=kho-v4 luo=luo-v5 dma=dma-alloc-v1 page=4096 rules=6" ]]
	done
	# some part did end inside of the strings: one before 1 MiB, and the last one after it
	make_linked vmlinux 1044360 "${linked[@]}"
	at=$(grep -abo 'Linux version 9' vmlinux | cut -d: -f1)
	((at < 1 << 20))
	make_linked vmlinux 1044480 "${linked[@]}"
	at=$(grep -abo 'dma-alloc-v1' vmlinux | cut -d: -f1)
	((at > 1 << 20))
	# cut off where nothing is looked for any more, and before that
	head -c -1000000 payload >shorter
	image bzimage bzImage shorter
	finds "" bzImage
	head -c 500 payload >shorter
	image bzimage bzImage shorter
	cannot_tell bzImage
}

@test "what a bzImage does not have is not taken from its initramfs, nor from nowhere" {
	local in_initramfs=kho-v4
	make_linked vmlinux 2000000 "${linked[@]:0:1}"
	gzip -1 <vmlinux >payload
	image bzimage bzImage payload
	finds "K601 fatal" bzImage

	in_initramfs=luo-v5
	make_linked vmlinux 2000000 "${linked[@]:0:2}" dma-alloc-v1
	gzip -1 <vmlinux >payload
	image bzimage bzImage payload
	finds "" bzImage
	[[ $output == *" root=kho-v4 luo= dma=dma-alloc-v1 "* ]]

	in_initramfs="Linux version 1.2.3 (other)"
	make_linked vmlinux 2000000 "${linked[@]:1}"
	gzip -1 <vmlinux >payload
	image bzimage bzImage payload
	cannot_tell bzImage
	[[ $output == *"does not contain the version of Linux"* ]]
}

@test "K602: a kernel of another ABI" {
	make_kernel vmlinux root=kho-v5 luo=luo-v5 dma=dma-alloc-v1
	finds "K602 fatal" vmlinux
	make_kernel vmlinux 'root=kho-v4;radix-v2' luo=luo-v5 dma=dma-alloc-v1
	finds "K602 fatal" vmlinux
	make_kernel vmlinux luo=luo-v5 dma=dma-alloc-v1
	add_config vmlinux CONFIG_KEXEC_HANDOVER=y
	finds "K602 fatal not judged" vmlinux
}

@test "K603: live update state in a format that the target does not read" {
	outgoing=$fixtures/v4-stock-outgoing.khosnap
	make_kernel vmlinux "${full[@]}"
	finds "" vmlinux
	make_kernel vmlinux root=kho-v4 luo=luo-v6 dma=dma-alloc-v1
	finds "K603 fatal" vmlinux
	make_kernel vmlinux root=kho-v4 dma=dma-alloc-v1
	finds "K603 warning" vmlinux

	# the one of Linux 7.1 is an FDT
	outgoing=$fixtures/v3-outgoing.khosnap
	make_kernel vmlinux root=kho-v3 luo=luo-v1
	finds "" vmlinux
	make_kernel vmlinux root=kho-v3 luo=luo-v5
	finds "K603 fatal" vmlinux

	# said without being unpacked
	outgoing=$fixtures/v4-stock-outgoing.khosnap
	head -c 5000 /dev/urandom >payload
	image bzimage plain payload
	cp plain bzImage && image info bzImage 0 kho-v4 luo-v5 ""
	finds "" bzImage
	cp plain bzImage && image info bzImage 0 kho-v4 luo-v4 ""
	finds "K603 fatal" bzImage
}

@test "K604: DMA records that the target does not read" {
	make_kernel vmlinux root=kho-v4 luo=luo-v5
	finds "K604 fatal" vmlinux
	make_kernel vmlinux root=kho-v4 luo=luo-v5 dma=dma-alloc-v2
	finds "K604 fatal" vmlinux
}

@test "K605: the command line, read as the kernel reads it" {
	make_kernel vmlinux "${full[@]}"
	# KHO's default is unknown without a configuration
	for on in kho=on kho=1 kho=y "a kho=off b kho=on c" "kho=on kho=what" kho=Yes; do
		finds "" vmlinux "$on"
	done
	for on in '"kho=on" root=/dev/vda' 'kho="on"' 'kho=on x="a kho=off b"' $'quiet\vkho=on'; do
		finds "" vmlinux "$on"
	done
	for off in 'acpi_osi="a kho=on b"' 'kho=on "kho=off"'; do
		finds "K605 error" vmlinux "$off"
	done
	for off in "" kho=off kho=0 "kho=on kho=off" "kho=on kho=nonsense" "-- kho=on" xkho=on kho=; do
		finds "K605 error" vmlinux "$off"
	done

	add_config vmlinux CONFIG_KEXEC_HANDOVER=y CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y
	finds "" vmlinux "quiet"
	finds "" vmlinux "kho=what"
	finds "K605 error" vmlinux "quiet kho=off"

	make_kernel vmlinux "${full[@]}"
	add_config vmlinux CONFIG_KEXEC_HANDOVER=y '# CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT is not set'
	finds "K605 error" vmlinux "quiet"
}

@test "K605, K607, K609, K610: the line that is built into the target, joined with that of the loader as it does" {
	local on=CONFIG_KEXEC_HANDOVER=y x86=CONFIG_CMDLINE_BOOL=y arm64=CONFIG_ARM64=y long
	# judged EXPECTED LINE CONFIG...: by a new kernel
	judged() {
		local expected=$1 line=$2
		shift 2
		make_kernel vmlinux "${full[@]}"
		add_config vmlinux "$on" "$@"
		finds "$expected" vmlinux "$line" || { printf 'with %s, "%s"\n' "$*" "$line"; return 1; }
	}
	# it comes first on x86, so the loader has the last word
	judged "" quiet $x86 'CONFIG_CMDLINE="kho=on"'
	judged "K605 error" "quiet kho=off" $x86 'CONFIG_CMDLINE="kho=on"'
	judged "" kho=on $x86 'CONFIG_CMDLINE="kho=off"'
	judged "K605 error" kho=on $x86 'CONFIG_CMDLINE="quiet -- x"'
	judged "K607 fatal" kho=on $x86 'CONFIG_CMDLINE="mem=1G"'
	judged "K605 error,K609 error" kho=on $x86 'CONFIG_CMDLINE="a=\"b"'
	judged "" kho=on $x86 'CONFIG_CMDLINE="a=\"b mem=1G\" c\\d"'
	judged "K605 error" quiet $x86 'CONFIG_CMDLINE=""'
	judged "K605 error" quiet '# CONFIG_CMDLINE_BOOL is not set' 'CONFIG_CMDLINE="kho=on"'
	# instead of the loader's
	judged "K605 error" kho=on $x86 'CONFIG_CMDLINE="quiet"' CONFIG_CMDLINE_OVERRIDE=y
	judged "" "mem=1G kho=off" $x86 'CONFIG_CMDLINE="kho=on"' CONFIG_CMDLINE_OVERRIDE=y
	judged "K605 error" kho=on $arm64 'CONFIG_CMDLINE="quiet"' CONFIG_CMDLINE_FORCE=y
	# only if the loader has none
	judged "K605 error" quiet $arm64 'CONFIG_CMDLINE="kho=on"' CONFIG_CMDLINE_FROM_BOOTLOADER=y
	judged "" "" $arm64 'CONFIG_CMDLINE="kho=on"' CONFIG_CMDLINE_FROM_BOOTLOADER=y
	# cut off where the kernel cuts it off
	long=$(printf '%02036d' 0)
	judged "" "quiet kho=on" $x86 "CONFIG_CMDLINE=\"${long:10}\""
	judged "K605 error" "quiet kho=on" $x86 "CONFIG_CMDLINE=\"$long\""
	for long in "\"$long$long\"" '"kho=on'; do
		judged "K605 error not judged,K607 fatal not judged,K608 warning not judged,K609 error not judged,K610 error not judged" kho=on \
			$x86 "CONFIG_CMDLINE=$long"
	done
	# the promise of the loader has to be there, and not among the arguments of init
	judged "" "rd.kho.expect=5,11 x" $x86 'CONFIG_CMDLINE="kho=on"'
	judged "" "rd.kho.expect=5,11 -- x" $x86 'CONFIG_CMDLINE="kho=on rd.kho.expect=1,1"'
	judged "" "rd.kho.expect=5,11 kho=on" $arm64 'CONFIG_CMDLINE="quiet"' CONFIG_CMDLINE_FROM_BOOTLOADER=y
	judged "K610 error" "rd.kho.expect=5,11" $x86 'CONFIG_CMDLINE="kho=on"' CONFIG_CMDLINE_OVERRIDE=y
	judged "K610 error" "rd.kho.expect=5,11" $x86 'CONFIG_CMDLINE="kho=on rd.kho.expect=1,1"' CONFIG_CMDLINE_OVERRIDE=y
	judged "K610 error" "rd.kho.expect=5,11" $arm64 'CONFIG_CMDLINE="kho=on"' CONFIG_CMDLINE_FORCE=y
	judged "K610 error" "rd.kho.expect=5,11" $x86 'CONFIG_CMDLINE="kho=on -- x"'
	judged "K610 error" "rd.kho.expect=5,11" $x86 'CONFIG_CMDLINE="kho=on init=/bin/sh"'
	judged "K609 error,K610 error" "rd.kho.expect=5,11" $x86 'CONFIG_CMDLINE="kho=on \"x"'
	judged "K610 error" "rd.kho.expect=5,11" $x86 "CONFIG_CMDLINE=\"kho=on $(printf '%02030d' 0)\""
	# options from a bootconfig come first too, and the configuration does not have them
	judged "K605 error not judged,K607 fatal not judged,K608 warning not judged,K609 error not judged,K610 error not judged" kho=on \
		CONFIG_BOOT_CONFIG=y CONFIG_BOOT_CONFIG_EMBED=y CONFIG_CMDLINE_FROM_BOOTCONFIG=y
	judged "" kho=on CONFIG_BOOT_CONFIG=y CONFIG_BOOT_CONFIG_EMBED=y '# CONFIG_CMDLINE_FROM_BOOTCONFIG is not set'
}

@test "check-target shows the built-in line and what it is for, or that it is unknown" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect x86=CONFIG_CMDLINE_BOOL=y
	# shown TEXT USE LINE CONFIG...: of a new kernel; USE and LINE are JSON
	shown() {
		local text=$1 use=$2 line=$3
		shift 3
		make_kernel vmlinux "${full[@]}"
		(($# == 0)) || add_config vmlinux CONFIG_KEXEC_HANDOVER=y "$@"
		run -0 "$inspect" check-target --core "$outgoing" vmlinux
		[[ $output == *"$text"* ]]
		run -0 "$inspect" check-target --json --core "$outgoing" vmlinux
		[ "$(jq -c '[.target.builtin_use, .target.builtin_cmdline]' <<<"$output")" = "[$use,$line]" ]
	}
	shown "does not say which options for the command line are built in" null null
	shown "kexec does not hand state over to a vmlinux" null null
	shown "" '"none"' null '# CONFIG_CMDLINE_BOOL is not set'
	run -0 "$inspect" check-target --core "$outgoing" vmlinux
	[[ $output != *"options for the command line"* && $output != *"command line of its own"* ]]
	shown 'which comes before that of kexec: kho=on x="y"' '"first"' '"kho=on x=\"y\""' $x86 'CONFIG_CMDLINE="kho=on x=\"y\""'
	shown 'ignores that of kexec: kho=on \x9b' '"only"' '"kho=on \\x9b"' $x86 "$(printf 'CONFIG_CMDLINE="kho=on \x9b"')" CONFIG_CMDLINE_OVERRIDE=y
	[ "$(jq -r .target.builtin_cmdline_bytes <<<"$output")" = 6b686f3d6f6e209b ]
	shown 'for a load without one: kho=on' '"default"' '"kho=on"' CONFIG_ARM64=y 'CONFIG_CMDLINE="kho=on"'
	shown "does not say which options" null null CONFIG_CMDLINE_FROM_BOOTCONFIG=y
}

@test "check-target judges a built-in line that replaces that of any loader, and says that it judges no other" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect
	# found EXPECTED CONFIG...
	found() {
		local expected=$1
		shift
		make_kernel vmlinux "${full[@]}"
		add_config vmlinux CONFIG_KEXEC_HANDOVER=y CONFIG_CMDLINE_BOOL=y "$@"
		run "$inspect" check-target --json --core "$outgoing" vmlinux
		[ "$(jq -r '[.findings[] | "\(.rule) \(.severity)"] | join(",")' <<<"$output")" = "$expected" ]
		run "$inspect" check-target --core "$outgoing" vmlinux
	}
	found "K605 error,K607 fatal" 'CONFIG_CMDLINE="mem=1G kho=off"' CONFIG_CMDLINE_OVERRIDE=y
	[ "$status" = 1 ]
	[[ $output != *"does not judge the command line"* ]]
	found "K608 warning,K609 error" 'CONFIG_CMDLINE="kho=on crashkernel=1G a=\"b"' CONFIG_CMDLINE_OVERRIDE=y
	found "" 'CONFIG_CMDLINE="kho=on"' CONFIG_CMDLINE_OVERRIDE=y
	[ "$status" = 0 ]
	found "" 'CONFIG_CMDLINE="mem=1G kho=off"'
	[[ $output == *"does not judge the command line of a load: kexec does this when it loads the image"* ]]
}

@test "a kernel_info that says there is a built-in line: the configuration in the payload has it, or nobody knows it" {
	local unknown="K605 error not judged,K607 fatal not judged,K608 warning not judged,K609 error not judged,K610 error not judged"
	make_kernel vmlinux "${full[@]}"
	add_config vmlinux CONFIG_CMDLINE_BOOL=y 'CONFIG_CMDLINE="quiet mem=1G"'
	gzip <vmlinux >payload
	image bzimage bzImage payload && image info bzImage 1 kho-v4 luo-v5 dma-alloc-v1
	finds "" bzImage quiet
	image bzimage bzImage payload && image info bzImage 3 kho-v4 luo-v5 dma-alloc-v1
	finds "K607 fatal" bzImage quiet
	[[ $output == *" 9.9.9-info kho=1 default=1 config=1 "* ]]
	# without that configuration, or without a payload that can be unpacked
	make_kernel vmlinux "${full[@]}"
	gzip <vmlinux >payload
	image bzimage bzImage payload && image info bzImage 3 kho-v4 luo-v5 dma-alloc-v1
	finds "$unknown" bzImage quiet
	head -c 5000 /dev/urandom >payload
	image bzimage bzImage payload && image info bzImage 3 kho-v4 luo-v5 dma-alloc-v1
	finds "$unknown" bzImage quiet
	finds "" bzImage
}

@test "K611: a UKI, an arm64 Image, a zboot image, each of them packed, and the state of another machine" {
	local name packer x86=$outgoing as=" 9.9.9-test kho=1 default=0 config=0 root=kho-v4 luo=luo-v5 dma=dma-alloc-v1 page=4096 rules=6"
	make_kernel vmlinux "${full[@]}"
	gzip -k vmlinux
	image bzimage bzImage vmlinux.gz
	image arm64 Image vmlinux
	gzip -k Image
	image zboot zboot Image.gz
	image uki uki bzImage
	image uki uki-arm64 zboot
	for name in vmlinux:vmlinux bzImage:bzImage 'uki:UKI (bzImage)' Image:Image zboot:Image 'uki-arm64:UKI (Image)'; do
		[[ $name != Image:Image ]] || of_arm64
		finds "" "${name%%:*}"
		[ "$output" = "${name#*:}$as" ]
		for packer in gzip xz "zstd -q"; do
			$packer <"${name%%:*}" >packed
			finds "" packed
			[ "$output" = "${name#*:}$as" ]
		done
	done
	# what kexec does not unpack
	image lz4 packed Image
	cannot_tell packed
	[[ $output == *"packed with lz4, which kexec cannot unpack. Unpack it"* ]]
	image zboot zboot-lz4 packed
	cannot_tell zboot-lz4
	# of the other machine
	for name in vmlinux bzImage uki; do
		finds "K611 fatal" "$name"
	done
	# which a snapshot of a snapshot is of, too
	"$KHO_BUILDDIR/tools/kho-inspect/kho-inspect" snapshot --core "$outgoing" -o again
	readelf -h again | grep -q 'Machine: *AArch64'
	outgoing=$x86
	for name in Image zboot uki-arm64; do
		finds "K611 fatal" "$name"
	done
	run -1 "$KHO_BUILDDIR/tools/kho-inspect/kho-inspect" check-target --core "$outgoing" Image
	[[ $output == *"K611"*"the state is of x86_64, the target is for arm64"* ]]
	run -2 "$KHO_BUILDDIR/tools/kho-inspect/kho-inspect" scratch --core "$outgoing" Image
	[[ $output == *"Image is a kernel for another architecture than that of this state."* ]]
	# kexec takes the last kernel of a UKI, other loaders another one
	make_kernel old root=kho-v3
	image uki uki bzImage .linux=old
	cannot_tell uki
	[[ $output == *"is a UKI with 2 kernels"*"Give the kernel itself"* ]]
	image uki uki bzImage .linux=bzImage
	cannot_tell uki
	# the same with the initrd that is loaded with it
	echo one >initrd
	image uki uki bzImage .initrd=initrd
	finds "" uki
	image uki uki bzImage .initrd=initrd .initrd=initrd
	cannot_tell uki
	[[ $output == *"is a UKI with 2 initrds (.initrd sections)"* ]]
	image uki uki bzImage .initrd=initrd
	head -c -2 uki >shorter
	cannot_tell shorter
	[[ $output == *"its .initrd section lies outside the file"* ]]
	/usr/bin/python3 - uki shorter <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		# PointerToRawData of its section
		struct.pack_into("<I", data, data.index(b".cmdline") + 20, len(data))
		open(sys.argv[2], "wb").write(data)
	END
	cannot_tell shorter
	[[ $output == *"its .cmdline section lies outside the file"* ]]
	# what is found inside is judged
	make_kernel old root=kho-v3 luo=luo-v5 dma=dma-alloc-v1
	image arm64 Image old
	image uki uki Image
	finds "K602 fatal,K611 fatal" uki
}

@test "a UKI or zboot image that is cut off or lies about itself gives no verdict" {
	local cut file
	make_kernel vmlinux "${full[@]}"
	gzip -k vmlinux
	image bzimage bzImage vmlinux.gz
	image uki uki bzImage
	for cut in 66 90 120 300 700 $(($(stat -c %s uki) - 8)); do
		head -c "$cut" uki >shorter
		cannot_tell shorter
	done
	image uki empty /dev/null
	cannot_tell empty
	[[ $output == *"empty is a UKI, and its .linux section is empty or lies outside the file"* ]]
	image zboot zboot vmlinux.gz
	head -c -20 zboot >shorter
	for file in empty shorter; do
		cannot_tell "$file"
		[[ $output != *"kho="* ]]
	done
	# kexec looks for a kernel in a UKI, and for nothing to unpack or enter
	image uki inner bzImage
	for file in inner vmlinux vmlinux.gz; do
		image uki outer "$file"
		cannot_tell outer
		[[ $output == *"kexec cannot load the kernel in its .linux section"* ]]
	done
	# kexec unpacks one layer
	for file in vmlinux bzImage uki; do
		gzip <"$file" | xz >packed
		cannot_tell packed
		[[ $output == *"packed is packed twice, and kexec unpacks only one layer. Unpack it once."* ]]
	done
	gzip <vmlinux | gzip >vmlinux.gz.gz
	image zboot zboot vmlinux.gz.gz
	cannot_tell zboot
	[[ $output == *"zboot is packed twice"* ]]
	gzip <uki | gzip | gzip | gzip >packed
	cannot_tell packed
	head -c 4096 /dev/zero | gzip >packed
	cannot_tell packed
	[[ $output == *"is not a kernel of a known kind"* ]]
}

@test "what is packed to use up memory or time is refused, or is read in time" {
	"$KHO_BUILDDIR/tests/unit/test-unpack"
}

@test "K606: a kernel that counts in other pages" {
	of_arm64
	make_kernel vmlinux "${full[@]}"
	image arm64 Image vmlinux 1
	finds "" Image
	image arm64 Image vmlinux 2
	finds "K606 fatal" Image
	[[ $output == *" page=16384 "* ]]
	image arm64 Image vmlinux 3
	finds "K606 fatal" Image
	image arm64 Image vmlinux 0
	finds "K606 fatal not judged" Image
	# then the configuration knows
	add_config vmlinux CONFIG_KEXEC_HANDOVER=y CONFIG_PAGE_SHIFT=16
	image arm64 Image vmlinux 0
	finds "K606 fatal" Image
	[[ $output == *" page=65536 "* ]]
}

# live_root FIXTURE: a running kernel made of files, in root: kcore has the same form as a fixture.
live_root() {
	local kho=root/sys/kernel/debug/kho/out
	mkdir -p root/proc "$kho"
	cp "$1" root/proc/kcore
	grep -aoE '(fdt_phys|scratch)=0x[0-9a-f]+(\+0x[0-9a-f]+)?' "$1" >notes
	sed -n 's/^fdt_phys=//p' notes >"$kho/fdt_phys"
	sed -n 's/^scratch=\(.*\)+.*/\1/p' notes >"$kho/scratch_phys"
	sed -n 's/^scratch=.*+//p' notes >"$kho/scratch_len"
}

@test "scratch proposes whole blocks of a kernel with larger pages, and one more beside CMA" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect kib cma wanted
	make_kernel kernel "${full[@]}"
	image arm64 small kernel 0
	: >initrd
	mkdir -p root/sys/kernel
	while read -r kib cma wanted; do
		live_root "$fixtures/v4-${kib}k-outgoing.khosnap"
		echo 0 >root/sys/kernel/kexec_crash_size
		printf 'CmaTotal: %d kB\nCmaFree: 0 kB\n' "$((cma << 10))" >root/proc/meminfo
		run -0 "$inspect" scratch --page-size=$((kib << 10)) --sysroot root --initrd=initrd --json small
		[ "$(jq -r .image.proposal <<<"$output")" = "$wanted" ] || {
			echo "pages of $kib KiB, CMA of $cma MiB: $output"
			return 1
		}
	done <<-END
		16 0 kho_scratch=64M,0,0
		16 32 kho_scratch=128M,0,0
		64 0 kho_scratch=512M,0,0
		64 512 null
	END
	# earlier kernels need a struct page for each page of, here, 12 GiB
	make_elf kernel 'banner=Linux version 7.2.0-test (me@here) #1' "${full[@]}"
	image arm64 small kernel 0
	for kib in 16 64; do
		run -0 "$inspect" scratch --core "$fixtures/v4-${kib}k-outgoing.khosnap" --json small
		[ "$(jq .image.early <<<"$output")" = $(((96 << 20) + (12 << 30) * 64 / (kib << 10))) ]
	done
}

@test "scratch says what an image needs, and whether it fits" {
	local inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect largest other
	local fixture=$fixtures/v4-outgoing.khosnap
	largest=$("$inspect" scratch --json --core "$fixture" | jq '[.scratch[].size] | max')
	make_kernel kernel "${full[@]}"
	gzip -k kernel

	image bzimage small kernel.gz $((12 << 20))
	run -0 "$inspect" scratch --core "$fixture" small
	[[ $output == *$'small needs 12 MiB in one piece\nAn initrd is not counted: name it with --initrd.\nThis fits.\n'* ]]
	[[ $output == *"No smaller scratch is proposed: name the initrd with --initrd."* ]]
	head -c 5000000 /dev/zero >initrd
	# a file does not say what is reserved for a crash kernel
	run -0 "$inspect" scratch --core "$fixture" --initrd=initrd small
	[[ $output == *"No smaller scratch is proposed: it is unknown what a crash kernel needs."* ]]
	run -0 "$inspect" scratch --core "$fixture" --initrd=initrd --json small
	[ "$(jq -c .image <<<"$output")" = '{"kernel":12582912,"initrd":5000000,"fits":true,"early":33554432,"proposal":null}' ]

	# of the running kernel: all of these, 2 MiB to align the kernel, 32 MiB for early memory, a quarter
	# more, in whole 16 MiB
	live_root "$fixture"
	proposal() {
		run -0 "$inspect" scratch --sysroot root --initrd=initrd --json small
		jq -r .image.proposal <<<"$output"
	}
	[ "$(proposal)" = null ]
	# it has kexec, and no crash kernels
	echo 0 >root/sys/kernel/kexec_loaded
	[ "$(proposal)" = null ]
	run -0 "$inspect" scratch --sysroot root --initrd=initrd small
	[[ $output == *"No smaller scratch is proposed: it is unknown what the next kernel reserves for DMA (CMA)."* ]]
	printf 'CmaTotal: 0 kB\nCmaFree: 0 kB\n' >root/proc/meminfo
	[ "$(proposal)" = kho_scratch=64M,0,0 ]
	echo 25165824 >root/sys/kernel/kexec_crash_size
	[ "$(proposal)" = kho_scratch=96M,0,0 ]
	printf 'CmaTotal: 32768 kB\nCmaFree: 0 kB\n' >root/proc/meminfo
	[ "$(proposal)" = kho_scratch=144M,0,0 ]
	run -0 "$inspect" scratch --sysroot root --initrd=initrd small
	[[ $output == *"kho_scratch=144M,0,0 would suffice. It includes 32 MiB for early"*", 24 MiB for a crash kernel, 32 MiB for DMA (CMA)"* ]]
	printf 'CmaTotal: 0 kB\nCmaFree: 0 kB\n' >root/proc/meminfo

	# without one it is unknown what it needs
	run -0 "$inspect" scratch --sysroot root --json small
	[ "$(jq -c '[.image.initrd, .image.proposal]' <<<"$output")" = '[null,null]' ]
	run -0 "$inspect" scratch --sysroot root small
	[[ $output == *"No smaller scratch is proposed: name the initrd with --initrd."* ]]

	# the target has kernel and initrd before it reserves memory for a crash kernel of 88 MiB,
	# which only the area of 100 MiB has
	image bzimage medium kernel.gz $((16 << 20))
	echo 92274688 >root/sys/kernel/kexec_crash_size
	run -0 "$inspect" scratch --sysroot root --initrd=initrd --json medium
	[ "$(jq .crash_kernel_fits <<<"$output")" = true ]
	truncate -s 80M most
	run -0 "$inspect" scratch --sysroot root --initrd=most --json medium
	[ "$(jq .crash_kernel_fits <<<"$output")" = false ]
	run -0 "$inspect" scratch --sysroot root --initrd=most medium
	[[ $output == *"no room for a crash kernel of 88 MiB beside kernel and initrd: the next"* ]]
	echo 25165824 >root/sys/kernel/kexec_crash_size

	# kexec loads the initrd of a UKI where it is given no other
	head -c 6000000 /dev/zero >own
	image uki uki small .initrd=own
	run -0 "$inspect" scratch --sysroot root --json uki
	[ "$(jq -c '[.image.initrd, .image.proposal]' <<<"$output")" = '[6000000,"kho_scratch=96M,0,0"]' ]
	run -0 "$inspect" scratch --core "$fixture" --initrd=initrd --json uki
	[ "$(jq .image.initrd <<<"$output")" = 5000000 ]
	truncate -s "$largest" own
	image uki uki small .initrd=own
	run -1 "$inspect" scratch --core "$fixture" uki
	[[ $output == *"the initrd in it needs"*"There is no room for this."*"kho_scratch="* ]]
	run -0 "$inspect" scratch --core "$fixture" --initrd=initrd uki
	run -0 "$inspect" check-target --json --core "$fixture" uki
	[ "$(jq -c '[.target.initrd_size, .target.has_cmdline]' <<<"$output")" = "[$largest,true]" ]

	for other in . /dev/null; do
		run -2 "$inspect" scratch --core "$fixture" --initrd="$other" small
		[[ $output == *"$other is not a regular file"* ]]
	done

	image bzimage large kernel.gz "$largest"
	run -1 "$inspect" scratch --core "$fixture" large
	[[ $output == *"There is no room"*"kho_scratch="* ]]
	truncate -s $((largest * 3)) initrd
	run -1 "$inspect" scratch --core "$fixture" --initrd=initrd small

	# unknown is not "fits"
	image bzimage unknown kernel.gz
	run -2 "$inspect" scratch --core "$fixture" unknown
	run -2 "$inspect" scratch --core "$fixture" --initrd=nowhere small
	run -2 "$inspect" scratch --core "$fixture" nowhere
}
