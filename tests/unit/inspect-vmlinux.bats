#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# slow: starts first
# --vmlinux finds the root FDT by a kernel's own symbols and debug information. The kernels are a
# few lines of C, with variables at places that no other way would find.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	dump=$BATS_TEST_TMPDIR/dump
	plain=$BATS_TEST_TMPDIR/plain
	vmlinux=$BATS_TEST_TMPDIR/vmlinux
	allow_leaks
}

# make_dump OPTION...: makes a dump of 300 records that does not say where its root is, and sets $root
# to the root's address. Makes and scans each kind of dump once.
make_dump() {
	local made=$BATS_FILE_TMPDIR/dump$*
	if [[ ! -f $made.root ]]; then
		"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 "$@" 300 "$made"
		"$inspect" show --json --core "$made" | jq -r .state.fdt_addr >"$made.root"
	fi
	ln -sf "$made" "$plain"
	root=$(cat "$made.root")
	[[ $root == 0x* ]]
}

# make_vmlinux [OPTION...]: makes the necessary parts of a vmlinux of Linux 7.3, or of 6.18 with -DOLD.
make_vmlinux() {
	cat >"$BATS_TEST_TMPDIR/kexec_handover.c" <<-'END'
		typedef unsigned long long u64;
		typedef u64 phys_addr_t;
		typedef const phys_addr_t again;
		#define BASE 0xffff888000000000
		#define MAP 0xffffea0000000000
		struct page { u64 flags, words[6]; };
		struct mutex { u64 words[4]; };
		#ifdef OLD
		struct kho_serialization { u64 lists; struct page *fdt; };
		struct kho_out { struct mutex lock; void *dir; struct kho_serialization ser; };
		static struct kho_out kho_out = { .ser.fdt = (struct page *)(MAP + ROOT / 4096 * sizeof(struct page)) };
		#else
		struct kho_out { struct mutex lock; void *volatile fdt; };
		static struct kho_out kho_out = { .fdt = (void *)(BASE + ROOT) };
		#endif
		struct kho_in { struct mutex lock; again fdt_phys; };
		static struct kho_in kho_in = { .fdt_phys = ROOT };
		u64 page_offset_base = BASE, vmemmap_base = MAP;
		u64 start(void);
		u64 start(void) { return (u64)&kho_out ^ (u64)&kho_in; }
	END
	gcc -g -ffreestanding -nostdlib -static -mcmodel=kernel -fno-pie -no-pie -DROOT="${root}ULL" "$@" \
		-Wl,--build-id,--defsym=_text=0xffffffff81000000,-Ttext-segment=0xffffffff81000000,-e,start \
		-Wl,-z,noexecstack,--no-warn-rwx-segments -o "$vmlinux" "$BATS_TEST_TMPDIR/kexec_handover.c"
}

build_id() {
	readelf -n "$1" | sed -n 's/.*Build ID: //p'
}

# join OPTION...: puts such a kernel into the dump, at 8 GiB, moved by 0x1c000000.
join() {
	"$lab/vmcore-of" --phys-base=0x200000000 "$@" "$plain" "$vmlinux" "$dump" "OSRELEASE=7.3.4" \
		"BUILD-ID=$(build_id "$vmlinux")" "NUMBER(phys_base)=8589934592" "KERNELOFFSET=1c000000"
}

# found OPTION...: prints how kho-inspect found the root, and where.
found() {
	"$inspect" show --json "$@" | jq -r '"\(.state.fdt_addr) \(.state.found_by)"'
}

@test "kho-inspect finds the root of a dump by DWARF, and not without it" {
	make_dump --whole
	make_vmlinux
	join --moved=0x1c000000
	[ "$(found --core "$dump")" = "$root scan" ]
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root dwarf" ]
	[[ $("$inspect" show --core "$dump" --vmlinux "$vmlinux") == *"found by DWARF of $vmlinux"* ]]
	diff <("$inspect" list --core "$plain") <("$inspect" list --core "$dump" --vmlinux "$vmlinux")
}

# as_arm64 FILE: makes the ELF core one of an arm64 machine (EM_AARCH64).
as_arm64() {
	printf '\xb7' | dd of="$1" bs=1 seek=18 conv=notrunc status=none
}

@test "VMCOREINFO gives the page size of a dump, and kho-inspect refuses one that no kernel has" {
	local size
	make_dump --whole
	make_vmlinux
	for size in 16384 65536 8192 0; do
		"$lab/vmcore-of" --phys-base=0x200000000 "$plain" "$vmlinux" "$dump" "OSRELEASE=7.3.4" "PAGESIZE=$size"
		run -2 "$inspect" show --core "$dump"
		[[ $output == *"says that its kernel has pages of $size bytes"* ]]
	done
	as_arm64 "$dump"
	run -2 "$inspect" show --core "$dump"
	[[ $output == *"says that its kernel has pages of 0 bytes"* ]]

	"$lab/vmcore-of" --phys-base=0x200000000 "$plain" "$vmlinux" "$dump" "OSRELEASE=7.3.4" "PAGESIZE=4096"
	run -0 "$inspect" show --json --core "$dump"
	[ "$(jq .state.page_size <<<"$output")" = 4096 ]
	as_arm64 "$dump"
	run -0 "$inspect" show --core "$dump"
	[[ $output == *"  page size    4 KiB"* ]]
	run -2 "$inspect" show --page-size=65536 --core "$dump"
	[[ $output == *"is of a kernel with pages of 4096 bytes, not of 65536"* ]]
}

@test "a dump of arm64 without VMCOREINFO needs --page-size" {
	make_dump --whole
	cp "$plain" "$dump"
	as_arm64 "$dump"
	run -2 "$inspect" show --core "$dump"
	[[ $output == *"does not say the page size of its kernel"*"--page-size=4096, 16384 or 65536"* ]]
	run -0 "$inspect" show --page-size=4096 --core "$dump"
	# no page of 64 KiB begins with the root
	run -2 "$inspect" show --page-size=65536 --core "$dump"
	[[ $output == *"no page in it is certain to be an outgoing root FDT"* ]]
	run -2 "$inspect" show --page-size=8192 --core "$dump"
	[[ $output == *"--page-size takes 4096|16384|65536: 8192"* ]]
}

@test "if a dump has no virtual addresses, phys_base shows where the kernel is" {
	make_dump --whole
	make_vmlinux
	"$lab/vmcore-of" --phys-base=0x200000000 --no-vaddr "$plain" "$vmlinux" "$dump" \
		"BUILD-ID=$(build_id "$vmlinux")" "NUMBER(phys_base)=8120172544" "KERNELOFFSET=1c000000"
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root dwarf" ]
}

@test "Linux 6.18 keeps a struct page instead of an address" {
	make_dump --whole
	make_vmlinux -DOLD
	join --moved=0x1c000000
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root dwarf" ]
}

@test "kho-inspect reads compressed debug information, and DWARF 4" {
	make_dump --whole
	make_vmlinux -gz -gdwarf-4
	join --moved=0x1c000000
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root dwarf" ]
}

@test "kho-inspect does not take an address from a vmlinux if its page is not a root" {
	make_dump --whole
	make_vmlinux -UROOT -DROOT=0x1000ULL
	join --moved=0x1c000000
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root scan" ]
}

@test "after a wrong offset, a wrong phys_base or NULL, kho-inspect scans the dump" {
	make_dump --whole
	make_vmlinux
	"$lab/vmcore-of" --no-vaddr --phys-base=0x200000000 "$plain" "$vmlinux" "$dump" \
		"BUILD-ID=$(build_id "$vmlinux")" "NUMBER(phys_base)=-1" "KERNELOFFSET=ffffffffffffffff"
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root scan" ]
	make_vmlinux -UROOT -DROOT=-0xffff888000000000ULL
	join --moved=0x1c000000
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root scan" ]
}

@test "kho-inspect refuses a vmlinux of another build, and names both build ids" {
	make_dump --whole
	make_vmlinux
	join --moved=0x1c000000
	make_vmlinux -DANOTHER -O1
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"$vmlinux is of another kernel: its build id is $(build_id "$vmlinux"), that of $dump "* ]]
	[ -z "$output" ]
}

@test "kho-inspect refuses a dump without a build id, or without the place of its kernel" {
	make_dump --whole
	make_vmlinux
	run --separate-stderr -2 "$inspect" show --core "$plain" --vmlinux "$vmlinux"
	[[ $stderr == *"$plain does not contain the build id of its kernel, so $vmlinux may belong to another kernel"* ]]
	"$lab/vmcore-of" "$plain" "$vmlinux" "$dump" "BUILD-ID=$(build_id "$vmlinux")"
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"$dump does not contain KERNELOFFSET"* ]]
}

@test "a compressed dump has a build id too: kho-inspect refuses a vmlinux of another build" {
	make_dump --kdump
	make_vmlinux
	"$lab/kdump-vmcoreinfo" "$plain" "$dump" "OSRELEASE=7.3.4" "BUILD-ID=$(build_id "$vmlinux")" \
		"NUMBER(phys_base)=8589934592" "KERNELOFFSET=1c000000"
	# the dump does not contain the kernel's own memory
	[ "$(found --core "$dump" --vmlinux "$vmlinux")" = "$root scan" ]
	"$lab/kdump-vmcoreinfo" "$plain" "$dump" "BUILD-ID=$(build_id "$vmlinux")"
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"$dump does not contain KERNELOFFSET"* ]]
	"$lab/kdump-vmcoreinfo" "$plain" "$dump" "BUILD-ID=0123456789abcdef0123456789abcdef01234567" "KERNELOFFSET=0"
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"is of another kernel: "*", that of $dump 0123456789abcdef0123456789abcdef01234567"* ]]
}

@test "kho-inspect refuses a vmlinux without debug information, symbols or build id" {
	make_dump --whole
	make_vmlinux
	join --moved=0x1c000000
	cp "$vmlinux" "$vmlinux.whole"
	strip -g "$vmlinux"
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"the debug information (DWARF) of $vmlinux does not describe kho_out and kho_in"* ]]
	strip "$vmlinux"
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"$vmlinux has no symbols kho_out and kho_in"* ]]
	objcopy --remove-section=.note.gnu.build-id "$vmlinux.whole" "$vmlinux"
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"$vmlinux has no build id"* ]]
}

@test "kho-inspect does not use a variable with an unknown type" {
	make_dump --whole
	make_vmlinux -Dfdt=other -DOLD
	join --moved=0x1c000000
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"does not describe kho_out and kho_in: it lacks them, or has them in an unknown form"* ]]
}

@test "kho-inspect refuses files that are not a vmlinux, and truncated files do no harm" {
	local size i
	make_dump --whole
	make_vmlinux
	join --moved=0x1c000000
	for file in /dev/null "$plain" "$BATS_TEST_TMPDIR/kexec_handover.c"; do
		run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$file"
		[[ $stderr == *"$file is not the vmlinux"* ]]
	done
	run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$BATS_TEST_TMPDIR/none"
	size=$(stat -c %s "$vmlinux")
	for ((i = 1; i < 24; i++)); do
		head -c $((size * i / 24)) "$vmlinux" >"$vmlinux.cut"
		run timeout 60 "$inspect" show --core "$dump" --vmlinux "$vmlinux.cut"
		[ "$status" = 2 ]
	done
}

@test "kho-inspect refuses a vmlinux for a snapshot, which contains the address of its root" {
	make_dump
	make_vmlinux
	run -2 "$inspect" show --core "$plain" --vmlinux "$vmlinux"
	[[ $output == *"A snapshot says itself where the root FDT is. Leave --vmlinux out."* ]]
}

# Makes a running machine of files, which shows what a kernel without fdt_phys shows.
make_machine() {
	machine=$BATS_TEST_TMPDIR/machine
	mkdir "$machine"
	"$KHO_BUILDDIR/tests/unit/test-live" "$fixtures/v4-outgoing.khosnap" "$machine"
	root=$(<"$machine/sys/kernel/debug/kho/out/fdt_phys")
	make_vmlinux
	rm "$machine/sys/kernel/debug/kho/out/fdt_phys"
	mv "$machine/proc/kcore" "$plain"
	objcopy -O binary --only-section=.note.gnu.build-id "$vmlinux" "$machine/sys/kernel/notes"
}

@test "on a running machine, /sys/kernel/notes and /proc/kallsyms show build id and place" {
	make_machine
	"$lab/vmcore-of" --phys-base=0x200000000 --moved=0x1c000000 "$plain" "$vmlinux" "$machine/proc/kcore"
	run --separate-stderr -2 "$inspect" show --sysroot "$machine" --vmlinux "$vmlinux"
	[[ $stderr == *"does not contain KERNELOFFSET"* ]]
	printf '%s\n' "ffffffff9d000000 T _text" "ffffffff9d001000 t kho_nothing" >"$machine/proc/kallsyms"
	[ "$(found --sysroot "$machine" --vmlinux "$vmlinux")" = "$root dwarf" ]
	[ "$(found --sysroot "$machine")" = "$root scan" ]
}

@test "on a running machine that hides its symbols, VMCOREINFO of kcore shows the place" {
	make_machine
	"$lab/vmcore-of" --phys-base=0x200000000 --moved=0x1c000000 "$plain" "$vmlinux" \
		"$machine/proc/kcore" "KERNELOFFSET=1c000000"
	printf '%s\n' "0000000000000000 T _text" >"$machine/proc/kallsyms"
	[ "$(found --sysroot "$machine" --vmlinux "$vmlinux")" = "$root dwarf" ]
}

@test "kho-inspect refuses a vmlinux of another build than the running kernel's" {
	make_machine
	"$lab/vmcore-of" "$plain" "$vmlinux" "$machine/proc/kcore" "KERNELOFFSET=0"
	make_vmlinux -O1
	run --separate-stderr -2 "$inspect" show --sysroot "$machine" --vmlinux "$vmlinux"
	[[ $stderr == *"$vmlinux is of another kernel: its build id is "*", that of the running kernel "* ]]
}

@test "libraries that the check in early boot does not need are not linked, so initramfs images omit them" {
	command -v ldd
	ldd "$(find "$KHO_BUILDDIR/libkho/.libs" -name 'libkho.so.*' -type f)" >"$BATS_TEST_TMPDIR/libraries"
	grep -q libelf "$BATS_TEST_TMPDIR/libraries"
	run ! grep -E 'libdw|libkdumpfile|liblz4|liblzma' "$BATS_TEST_TMPDIR/libraries"
}

@test "without libdw, the message says what is missing" {
	make_dump --whole
	make_vmlinux
	join --moved=0x1c000000
	# a file of that name that is not a library
	mkdir "$BATS_TEST_TMPDIR/lib"
	echo nothing >"$BATS_TEST_TMPDIR/lib/libdw.so.1"
	LD_LIBRARY_PATH=$BATS_TEST_TMPDIR/lib run --separate-stderr -2 "$inspect" show --core "$dump" --vmlinux "$vmlinux"
	[[ $stderr == *"libdw.so.1 for the debug information of $vmlinux is not there. Install libdw (elfutils)."* ]]
}
