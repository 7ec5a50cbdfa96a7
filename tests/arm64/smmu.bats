#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's driver of the SMMUv3 with smmu.patch, which is not part of the series: its stream table and
# context descriptors stay over kexecs. The driver compares content, the pointers from table to table, and
# STRTAB_BASE as the previous kernel left it. The initramfs loads it as a module, in place of the one that
# the kernel has, before other drivers.

bats_require_minimum_version 1.5.0
load ../vm/helpers
load ../vm/initramfs-helpers

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
SMMU=9050000.smmuv3

setup_file() {
	mkdir "$BATS_FILE_TMPDIR/files"
	build_driver "$BATS_FILE_TMPDIR/build"
	smmu_initramfs "$BATS_FILE_TMPDIR/build/smmu_kept.ko" "$BATS_FILE_TMPDIR/files/initramfs.img"
}

# build_driver FOLDER: builds the driver with the patch, as the module smmu_kept in FOLDER.
build_driver() (
	# shellcheck source=lab/common.bash
	. "$TOP/lab/common.bash"
	# shellcheck source=lab/fetch.bash
	. "$TOP/lab/fetch.bash"
	# shellcheck source=lab/kernel.bash
	. "$TOP/lab/kernel.bash"
	local driver=drivers/iommu/arm/arm-smmu-v3 source=$BATS_FILE_TMPDIR/source
	kernel_arch arm64
	# shellcheck disable=SC2119 # without more
	kernel_build
	cp -r "$KHO_CACHE/linux/$(source_id "$(fetch_linux)")/tree/$driver" "$source"
	patch -s -d "$source" -p5 <"$TOP/tests/arm64/smmu.patch"
	# the kernel has a module of the driver's name, although it is built in
	# shellcheck disable=SC2016 # for make
	sed -i 's/^obj-$(CONFIG_ARM_SMMU_V3) /obj-m /; s/arm_smmu_v3/smmu_kept/' "$source/Makefile"
	# for its includes of ../../
	echo "ccflags-y += -I\$(srctree)/$driver" >>"$source/Makefile"
	# initcall_blacklist= is for modules too
	sed -i 's/\<arm_smmu_driver\>/smmu_kept_driver/' "$source"/*.c
	# the kernel's own driver exports these for KUnit
	sed -i '/^EXPORT_SYMBOL_IF_KUNIT/d' "$source"/*.c
	kernel_module_build "$source" "$1" >&2
)

# smmu_initramfs MODULE FILE: makes FILE, the machine's initramfs with a hook of dracut that loads MODULE.
smmu_initramfs() {
	local dir=$BATS_FILE_TMPDIR/more hooks=usr/lib/dracut/hooks/pre-udev
	mkdir -p "$dir/$hooks"
	cp "$1" "$dir/smmu.ko"
	ln -s /usr/bin/kmod "$dir/insmod"
	echo '/insmod /smmu.ko' >"$dir/$hooks/01-smmu.sh"
	{
		cat "$VM_INITRAMFS"
		(cd "$dir" && find . | cpio -o -H newc --quiet | gzip)
	} >"$2"
}

# Prints "ID DMA-ADDRESS SIZE" of the SMMU's records in kho-inspect list [OPTION]....
tables() {
	vm_run kho-inspect list --json "$@" |
		jq -r --arg smmu "platform:$SMMU" '.records[] | select(.device == $smmu) | "\(.id) \(.dma_addr) \(.size)"' |
		sort -n
}

# smmu_restored GENERATION TABLES: checks the driver's lines in the log of this kernel.
smmu_restored() {
	local log
	log=$(vm_run dmesg | grep "arm-smmu-v3")
	printf '%s\n' "$log"
	run ! grep FAILED <<<"$log"
	grep -q "kho: generation $1: restored $2 of $2 tables, content intact" <<<"$log"
}

# three_generations [QEMU-OPTION]: on both load paths.
three_generations() {
	# other devices wait for an SMMU, but only for ten seconds unless told to
	local line="kho=on initcall_blacklist=arm_smmu_driver_init deferred_probe_timeout=600"
	local before path first generation=1
	VM_MACHINE=virt,iommu=smmuv3 VM_INITRAMFS=$BATS_FILE_TMPDIR/files/initramfs.img \
		vm_start --append "$line" --dracut --files "$BATS_FILE_TMPDIR/files" --qemu "${1:-}"
	vm_run dmesg | grep -q 'arm-smmu-v3.*features'
	first=$(tables)
	# both levels of the stream table, and a context descriptor for each of several devices
	(($(wc -l <<<"$first") >= 4))
	# more than a page comes from CMA, unless the driver says that it will be preserved
	awk '$3 == 16384 { found = 1 } END { exit !found }' <<<"$first"
	for path in -s -c; do
		before=$(tables)
		vm_ok kho-inspect verify
		vm_files
		load_fetched "$path" --kho=require "${line#* }"
		vm_kexec
		generation=$((generation + 1))
		smmu_restored "$generation" "$(wc -l <<<"$before")"
		[ "$(tables --in)" = "$before" ]
		# where they were in the first generation
		[ "$(tables | cut -d' ' -f2,3)" = "$(cut -d' ' -f2,3 <<<"$first")" ]
		vm_ok kho-inspect verify --in --claims
	done
	no_splat
}

@test "SMMUv3: stream table and context descriptors stay intact over two kexecs" {
	three_generations
}

@test "the same with an SMMU that is not cache coherent" {
	local dtb=$BATS_TEST_TMPDIR/smmu.dtb
	qemu-system-aarch64 -machine "virt,iommu=smmuv3,dumpdtb=$dtb" -cpu cortex-a57 -smp 2 -m 2G -display none >/dev/null 2>&1
	fdtput -d "$dtb" /smmuv3@9050000 dma-coherent
	three_generations "-dtb $dtb"
	vm_run dmesg | grep -q 'IDR0.COHACC overridden'
}
