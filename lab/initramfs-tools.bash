# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# An initramfs by the initramfs-tools of Debian 12, unpacked into a folder, because an installed
# initramfs-tools would make images for this machine. The folder has dracut too, like a host
# with both.

INITRAMFS_TOOLS_PACKAGES=(
	initramfs-tools-core dracut-core klibc-utils linux-base udev busybox kmod dash bash bsdutils coreutils
	util-linux mount base-files base-passwd libc-bin gzip cpio sed grep findutils gawk diffutils debianutils
	e2fsprogs libfdt1 libelf1 zlib1g liblzma5 libzstd1 liblz4-1 libseccomp2
)

initramfs_tools_unpack() {
	local dir=$1 found
	unpack_system "$INITRAMFS_TOOLS_SUITE" "" "$dir" "${INITRAMFS_TOOLS_PACKAGES[@]}"
	found=$(apt-cache policy initramfs-tools-core | sed -n 's/^ *Candidate: *//p')
	[[ $found == "$INITRAMFS_TOOLS_RELEASE"* ]] ||
		note "suite $INITRAMFS_TOOLS_SUITE has initramfs-tools $found now, not $INITRAMFS_TOOLS_RELEASE: that is what is tested here"
	as_root mv "$dir.tmp" "$dir"
}

# Prints the folder, and fetches it if necessary.
initramfs_tools_root() {
	system_root "initramfs-tools (40 MB)" "initramfs-tools/$INITRAMFS_TOOLS_SUITE" INITRAMFS_TOOLS_PACKAGES \
		initramfs_tools_unpack
}

# initramfs_tools_image NAME FILE: makes the image in a mount namespace, with the stage mounted over
# that system if the image is to include the project. udev loads the driver, like on real hosts.
initramfs_tools_image() {
	local name=$1 file=$2 over=$STAGE root
	root=$(initramfs_tools_root)
	if [[ $name == *-without ]]; then
		over=$KHO_BUILD/no-stage
		mkdir -p "$over"
	fi
	# shellcheck disable=SC2016 # for the other shell
	as_root unshare --mount bash -euc '
		stage=$1 root=$2 kernel=$3 release=$4 file=$5
		mount --make-rprivate /
		work=$(mktemp -d)
		mount -t tmpfs tmpfs "$work"
		mkdir "$work"/{upper,work,new}
		new=$work/new
		mount -t overlay overlay -o "lowerdir=$stage:$root,upperdir=$work/upper,workdir=$work/work" "$new"
		for dir in dev proc sys; do
			mkdir -p "$new/$dir"
			mount --rbind "/$dir" "$new/$dir"
		done
		mkdir -p "$new"/{tmp,var/tmp,boot,etc/initramfs-tools/hooks,"usr/lib/modules/$release"}
		mount --bind "$kernel/modules/lib/modules/$release" "$new/usr/lib/modules/$release"
		printf "CONFIG_RD_GZIP=y\n" > "$new/boot/config-$release"
		printf "%s\n" "#!/bin/sh" "[ \"\$1\" != prereqs ] || exit 0" \
			". /usr/share/initramfs-tools/hook-functions" "manual_add_modules kho_edu" \
			> "$new/etc/initramfs-tools/hooks/lab"
		chmod 755 "$new/etc/initramfs-tools/hooks/lab"
		chroot "$new" ldconfig
		chroot "$new" mkinitramfs -c gzip -o /tmp/initramfs.img "$release"
		cat "$new/tmp/initramfs.img" > "$file.tmp"
	' bash "$over" "$root" "$KERNEL_DIR" "$KERNEL_RELEASE" "$file"
	as_root chown "$(id -u):$(id -g)" "$file.tmp"
	mv "$file.tmp" "$file"
}
