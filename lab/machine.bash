# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# All that a virtual machine is made of, from sources to disk image.

# shellcheck source=lab/deps.bash
. "$KHO_TOP/lab/deps.bash"
# shellcheck source=lab/fetch.bash
. "$KHO_TOP/lab/fetch.bash"
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

# A digest of the images' inputs; a change rebuilds them.
machine_key() {
	{
		hash_tree "$STAGE"
		hash_of "$KEXEC" "$KEXEC_STOCK" "$KHO_TOP"/lab/{image,dracut,initramfs-tools}.bash "$KHO_TOP/lab/guest-agent" \
			"$KHO_TOP/lab/luo-session.c" "$KERNEL_DIR/bzImage" "$(command -v busybox)"
		printf '%s\n' "$KERNEL_DIR"
		dpkg-query -W dracut-core kmod 2>/dev/null
	} | sha256sum | cut -c1-16
}

machine_images() {
	local dir=$1
	rm -rf "$KHO_BUILD"/vm-* "$KHO_BUILD"/initramfs-*
	mkdir -p "$dir"
	image_initramfs "$dir/initramfs.img"
	image_root "$dir/root.img" --initramfs "$dir/initramfs.img"
	touch "$dir/complete"
}

# Makes what is missing and exports VM_KERNEL, VM_INITRAMFS, VM_DISK and VM_BUILD for
# lab/vm.bash.
machine_prepare() {
	local dir
	kernel_build
	step "building kho-tools" stage_build
	kexec_build
	dir=$KHO_BUILD/vm-$(machine_key)
	[[ -f $dir/complete ]] || step "making the initramfs (with dracut) and the disk" machine_images "$dir"
	export VM_KERNEL=$KERNEL_DIR/bzImage VM_INITRAMFS=$dir/initramfs.img VM_DISK=$dir/root.img
	# tests make their own helpers there
	export VM_BUILD=$KHO_BUILD/main
}

# machine_prepare_stock RELEASE: the same with a kernel that is not ours and no initramfs.
machine_prepare_stock() {
	local disk=$KHO_BUILD/stock-$1.img vmlinux=$KHO_BUILD/stock-$1.vmlinux
	kernel_build_stock "$1"
	step "building kho-tools" stage_build
	kexec_build
	step "adding debug information to its vmlinux" kernel_vmlinux "$KERNEL_OBJ" "$vmlinux"
	step "making the disk" image_root "$disk" --vmlinux "$vmlinux"
	export VM_KERNEL=$KERNEL_DIR/bzImage VM_DISK=$disk
}

# The same with the kernel of lab/debug.config and no initramfs, and with the
# selftests of the kernel's sources on the disk.
machine_prepare_checking() {
	local disk=$KHO_BUILD/checking.img more=$KHO_BUILD/selftests
	kernel_build debug "$KHO_TOP/lab/debug.config"
	step "building kho-tools" stage_build
	kexec_build
	step "building the kernel's selftests" kernel_selftests "$more/usr/lib/kselftests"
	step "making the disk" image_root "$disk" --more "$more"
	export VM_KERNEL=$KERNEL_DIR/bzImage VM_DISK=$disk
	export KHO_SELFTEST_INIT=$more/usr/lib/kselftests/kho-init
}

# The same for the initramfs images of tests/vm/initramfs-*.bats, as VM_IMAGES/NAME.img.
MACHINE_INITRAMFS=(systemd-059 plain-106 systemd-106 plain-112 systemd-112
	plain-without-059 systemd-without-059 initramfs-tools)

# machine_initramfs DIR NAME...: as many at a time as there are processors, for dracut uses one.
machine_initramfs() {
	local dir=$1 name pid pids=()
	shift
	for name in "$@"; do
		while (($(jobs -rp | wc -l) >= $(nproc))); do
			wait -n || true # every status is asked for below
		done
		case $name in
		initramfs-tools) initramfs_tools_image "$dir/$name.img" & ;;
		*) dracut_image "$name" "$dir/$name.img" & ;;
		esac
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

machine_prepare_initramfs() {
	local name dir release missing=()
	dir=$KHO_BUILD/initramfs-$(machine_key)
	mkdir -p "$dir"
	for name in "${MACHINE_INITRAMFS[@]}"; do
		[[ -f $dir/$name.img ]] || missing+=("$name")
	done
	# here, for a step in a step shows nothing
	for release in "${!DRACUT_RELEASES[@]}"; do
		dracut_root "$release" >/dev/null
	done
	initramfs_tools_root >/dev/null
	((!${#missing[@]})) ||
		step "making ${#missing[@]} initramfs images" machine_initramfs "$dir" "${missing[@]}"
	ln -sf "$VM_INITRAMFS" "$dir/plain-059.img"
	ln -sf "$VM_INITRAMFS.modules" "$dir/plain-059.img.modules"
	[[ -f $dir/release-root.img ]] ||
		step "making a disk with Debian and systemd" dracut_root_disk "$dir/release-root.img" "$(dracut_root 106)"
	export VM_IMAGES=$dir
}
