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

elf_machine() {
	readelf -h "$1" 2>/dev/null | sed -n 's/^ *Machine: *//p'
}

# initramfs_tools_exchange FILE: replaces all programs in an image by those of the stage's
# architecture, with the libraries that they need.
initramfs_tools_exchange() {
	local image=$1 dir machine links file from programs=()
	dir=$(mktemp -d)
	gzip -dc "$image" | (cd "$dir" && cpio -i --quiet)
	rm -rf "$dir"/usr/lib/*-linux-gnu "$dir"/usr/lib64/* "$dir"/usr/lib/klibc-*.so "$dir/etc/ld.so.cache"
	machine=$(elf_machine "$STAGE_SYSROOT/usr/bin/busybox")
	while read -r links file; do
		from=$STAGE_SYSROOT/$file
		[[ -e $from ]] || from=$STAGE_SYSROOT/usr/lib/klibc/bin/${file##*/}
		case $(elf_machine "$dir/$file") in
		"") continue ;;
		"$machine") ;;
		*)
			# busybox is one file with many names
			if ((links == 1)) || [[ $file == */busybox ]]; then
				cat "$from" >"$dir/$file"
			fi
			;;
		esac
		programs+=("$dir/$file")
	done < <(find "$dir" -type f ! -name '*.ko' -printf '%n %P\n')
	mkdir -p "$dir/usr/lib/$STAGE_MULTIARCH"
	cp -a "$STAGE_LIBDIR"/libkho.so.* "$dir/usr/lib/$STAGE_MULTIARCH/"
	image_copy_libraries "$dir" "${programs[@]}" "$STAGE_LIBDIR"/libkho.so.*.*
	for file in "${programs[@]}"; do
		[[ $(elf_machine "$file") == "$machine" ]] || die "$file is still a program of this machine"
	done
	(cd "$dir" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip >"$image"
	rm -rf "$dir"
}

# initramfs_tools_image NAME FILE: makes the image in a mount namespace, with the stage mounted over
# that system if the image is to include the project. udev loads the driver, like on real hosts.
# The machine cannot run programs of another architecture: its own make the image, and are replaced in
# it.
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
	[[ -z $STAGE_SYSROOT ]] || initramfs_tools_exchange "$file.tmp"
	mv "$file.tmp" "$file"
}
