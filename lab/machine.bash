# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The parts of a virtual machine, from sources to disk image.

# shellcheck source=lab/deps.bash
. "$KHO_TOP/lab/deps.bash"
# shellcheck source=lab/kernel.bash
. "$KHO_TOP/lab/kernel.bash"
# shellcheck source=lab/stage.bash
. "$KHO_TOP/lab/stage.bash"
# shellcheck source=lab/kexec.bash
. "$KHO_TOP/lab/kexec.bash"
# shellcheck source=lab/dracut.bash
. "$KHO_TOP/lab/dracut.bash"
# shellcheck source=lab/initramfs-tools.bash
. "$KHO_TOP/lab/initramfs-tools.bash"
# shellcheck source=lab/image.bash
. "$KHO_TOP/lab/image.bash"

# A digest of the inputs of the images: another digest rebuilds them.
machine_key() {
	{
		hash_tree "$STAGE"
		hash_of "$KEXEC" "$KEXEC_STOCK" "$KHO_TOP"/lab/{image,dracut}.bash "$KHO_TOP/lab/guest-agent" \
			"$KHO_TOP/lab/luo-session.c" "$KERNEL_DIR/$KERNEL_IMAGE" "$(image_busybox)"
		printf '%s\n' "$KERNEL_DIR"
		dpkg-query -W dracut-core kmod 2>/dev/null
	} | sha256sum | cut -c1-16
}

machine_images() {
	local dir=$1
	rm -rf "$KHO_BUILD/vm-$STAGE_ARCH"-* "$KHO_BUILD/initramfs-$STAGE_ARCH"-*
	mkdir -p "$dir"
	cp "$(initramfs_cached plain-059)" "$dir/initramfs.img"
	image_root "$dir/root.img" --initramfs "$dir/initramfs.img"
	touch "$dir/complete"
}

# Makes missing parts, and exports VM_KERNEL, VM_INITRAMFS, VM_DISK and VM_BUILD for lab/vm.bash.
machine_prepare() {
	local dir
	kernel_build
	step "building kho-tools" stage_build
	kexec_build
	dir=$KHO_BUILD/vm-$STAGE_ARCH-$(machine_key)
	initramfs_prepare plain-059
	[[ -f $dir/complete ]] || step "making the disk" machine_images "$dir"
	export VM_KERNEL=$KERNEL_DIR/$KERNEL_IMAGE VM_INITRAMFS=$dir/initramfs.img VM_DISK=$dir/root.img
	# tests build their helpers there, with that compiler
	export VM_ARCH=$STAGE_ARCH VM_BUILD=$STAGE_BUILD VM_CC=$STAGE_CC
}

machine_prepare_arm64() {
	kernel_arch arm64
	stage_arch arm64
	machine_prepare
	initramfs_prepare initramfs-tools
	VM_INITRAMFS_TOOLS=$(initramfs_cached initramfs-tools)
	export VM_INITRAMFS_TOOLS
}

# machine_prepare_stock RELEASE: the same with a kernel without our series; makes no initramfs.
machine_prepare_stock() {
	local disk=$KHO_BUILD/stock-$1.img vmlinux=$KHO_BUILD/stock-$1.vmlinux
	kernel_build_stock "$1"
	step "building kho-tools" stage_build
	kexec_build
	step "adding debug information to its vmlinux" kernel_vmlinux "$KERNEL_OBJ" "$vmlinux"
	step "making the disk" image_root "$disk" --vmlinux "$vmlinux"
	export VM_KERNEL=$KERNEL_DIR/$KERNEL_IMAGE VM_DISK=$disk
}

# The same with the kernel of lab/debug.config, and with the selftests of the kernel's sources on
# the disk; makes no initramfs.
machine_prepare_checking() {
	local disk=$KHO_BUILD/checking.img more=$KHO_BUILD/selftests
	kernel_build debug "$KHO_TOP/lab/debug.config"
	step "building kho-tools" stage_build
	kexec_build
	step "building the kernel's selftests" kernel_selftests "$more/usr/lib/kselftests"
	step "making the disk" image_root "$disk" --more "$more"
	export VM_KERNEL=$KERNEL_DIR/$KERNEL_IMAGE VM_DISK=$disk
	export KHO_SELFTEST_INIT=$more/usr/lib/kselftests/kho-init
}

# machine_prepare_pages 16k|64k: an arm64 machine whose kernel has pages of that size; makes no
# initramfs. Tests give the machine VM_MEMORY: areas of scratch are aligned to 512 MiB with pages of 64 KiB,
# and take 6 GiB by default.
machine_prepare_pages() {
	local disk=$KHO_BUILD/pages-$1.img
	kernel_arch arm64
	KERNEL_IMAGES=(Image)
	stage_arch arm64
	kernel_build "pages-$1" "$KHO_TOP/lab/pages-$1.config"
	step "building kho-tools" stage_build
	kexec_build
	step "making the disk" image_root "$disk"
	export VM_KERNEL=$KERNEL_DIR/$KERNEL_IMAGE VM_DISK=$disk
	export VM_ARCH=$STAGE_ARCH VM_BUILD=$STAGE_BUILD VM_CC=$STAGE_CC
	# has all page sizes
	export VM_CPU=cortex-a76 VM_MEMORY=12G
}

# A hash of the inputs of the initramfs image NAME, to rebuild only images that change.
initramfs_key() {
	local name=$1
	{
		printf '%s\n' "$name" "$KERNEL_DIR"
		hash_of "$KHO_TOP"/lab/{dracut.bash,image.bash,initramfs-tools.bash,ldd-in-root}
		[[ $name == *-without* ]] || hash_tree "$STAGE/usr/bin" "$STAGE_LIBDIR" "$STAGE/usr/lib/dracut" \
			"$STAGE/usr/share/initramfs-tools" "$STAGE/usr/share/kho-tools"
		case $name in
		initramfs-tools*) echo "$(initramfs_tools_root) $STAGE_SYSROOT" ;;
		*) dracut_root_of "$name" ;;
		esac
		[[ $name != *-059 ]] || dpkg-query -W dracut-core kmod systemd udev dash 2>/dev/null || true
	} | sha256sum | cut -c1-16
}

# Prints the path of the image NAME in the cache.
initramfs_cached() {
	printf '%s\n' "$KHO_CACHE/initramfs/$1-$(initramfs_key "$1").img"
}

initramfs_make() {
	local name=$1 file=$2
	[[ ! -f $file ]] || return 0
	# delete images of earlier builds
	find "$KHO_CACHE/initramfs" -name "$name-????????????????.img*" -mtime +7 -delete
	case $name in
	initramfs-tools*) initramfs_tools_image "$name" "$file" ;;
	*) dracut_image "$name" "$file" ;;
	esac
}

# One job a processor, because dracut uses one.
initramfs_make_all() {
	local name pid pids=()
	for name; do
		while (($(jobs -rp | wc -l) >= $(nproc))); do
			wait -n || true # the loop below reads every status
		done
		initramfs_make "$name" "$(initramfs_cached "$name")" &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

# initramfs_prepare NAME...: makes the images that are not in the cache.
initramfs_prepare() {
	local name missing=()
	mkdir -p "$KHO_CACHE/initramfs"
	# here, because nested steps show nothing
	for name; do
		case $name in
		initramfs-tools*) initramfs_tools_root ;;
		*) dracut_root_of "$name" ;;
		esac >/dev/null
	done
	for name; do
		[[ -f $(initramfs_cached "$name") ]] || missing+=("$name")
	done
	((!${#missing[@]})) || step "making ${#missing[@]} initramfs images" \
		with_lock initramfs initramfs_make_all "${missing[@]}"
}

# The images of tests/vm/initramfs-*.bats, as VM_IMAGES/NAME.img. Those without this project show
# how much it adds.
MACHINE_INITRAMFS=({plain,systemd}-{059,106,112} initramfs-tools plain-beside-059
	{plain,systemd}-without-{059,106,112} initramfs-tools-without)

# initramfs_disk DIR: makes one disk with all images in DIR, because udev would examine each of many
# disks at every boot. all.index has the first MiB of each image.
initramfs_disk() {
	local dir=$1 name at=0
	for name in "${MACHINE_INITRAMFS[@]}"; do
		[[ $name != *-without* ]] || continue
		printf '%s %s\n' "$name" "$at"
		dd if="$dir/$name.img" of="$dir/all.tmp" bs=1M seek="$at" conv=sparse status=none
		at=$((at + $(stat -L -c %s "$dir/$name.img") / 1048576 + 1))
	done >"$dir/all.index"
	truncate -s "${at}M" "$dir/all.tmp"
	mv "$dir/all.tmp" "$dir/all.img"
}

machine_prepare_initramfs() {
	local name dir file
	dir=$KHO_BUILD/initramfs-$STAGE_ARCH-$(machine_key)
	mkdir -p "$dir"
	initramfs_prepare "${MACHINE_INITRAMFS[@]}"
	for name in "${MACHINE_INITRAMFS[@]}"; do
		file=$(initramfs_cached "$name")
		ln -sf "$file" "$dir/$name.img"
		[[ $name == initramfs-tools* ]] || ln -sf "$file.modules" "$dir/$name.img.modules"
	done
	[[ -f $dir/all.img ]] || initramfs_disk "$dir"
	[[ -f $dir/release-root.img ]] ||
		step "making a disk with Debian and systemd" dracut_root_disk "$dir/release-root.img" "$(dracut_root 106)"
	export VM_IMAGES=$dir
}
