# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Boot media of a test machine: an initramfs that real dracut made, and a small
# disk with a root file system. Both hold this project as it was staged, that is,
# installed with DESTDIR.

# image_copy_program ROOT FILE...: copies programs to where they are and the
# libraries that they need, as the loader finds them with the stage in front.
image_copy_program() {
	local root=$1 file lib
	shift
	for file in "$@"; do
		ldd "$file" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' |
			while read -r lib; do
				[[ $lib == "$STAGE"/* ]] && continue
				mkdir -p "$root$(dirname "$lib")"
				cp -nL "$lib" "$root$lib" 2>/dev/null || [[ -e $root$lib ]]
			done
	done
}

# image_copy_library ROOT NAME...: libraries that are loaded on demand, and what they need.
image_copy_library() {
	local root=$1 name file
	shift
	for name; do
		file=$(ldconfig -p | awk -v name="$name" '$1 == name && !found { found = $NF } END { print found }')
		mkdir -p "$root${file%/*}"
		cp -L "$file" "$root$file"
		image_copy_program "$root" "$file"
	done
}

# image_vmlinux ROOT VMLINUX: a vmlinux with debug information.
image_vmlinux() {
	cp "$2" "$1/boot/vmlinux"
	image_copy_library "$1" libdw.so.1
}

# image_root_tree ROOT: fills the folder of the root file system.
image_root_tree() {
	local root=$1 applet
	rm -rf "$root"
	mkdir -p "$root"/{proc,sys,dev,run,tmp,root,etc,boot,mnt,var/lib}
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	cp "$(command -v busybox)" "$root/usr/bin/busybox"
	# modprobe and kexec are the real ones
	busybox --list | while read -r applet; do
		[[ $applet == busybox ]] || ln -s busybox "$root/usr/bin/$applet"
	done
	rm -f "$root"/usr/bin/{modprobe,insmod,rmmod,lsmod,depmod}
	cp -L /sbin/modprobe "$root/usr/bin/kmod"
	for applet in modprobe insmod rmmod lsmod; do
		ln -s ../bin/kmod "$root/usr/sbin/$applet"
	done
	cp -a "$STAGE/." "$root/"
	[[ -z ${KEXEC:-} ]] || cp "$KEXEC" "$root/usr/sbin/kexec"
	[[ -z ${KEXEC_STOCK:-} ]] || cp "$KEXEC_STOCK" "$root/usr/sbin/kexec-stock"
	LD_LIBRARY_PATH=$STAGE_LIBDIR image_copy_program "$root" /sbin/modprobe \
		"$STAGE/usr/bin/kho-inspect" ${KEXEC:+"$KEXEC"} ${KEXEC_STOCK:+"$KEXEC_STOCK"}
	image_copy_library "$root" liblz4.so.1 liblzma.so.5
	cp -a "$KERNEL_DIR/modules/lib/modules" "$root/usr/lib/"
	cp "$KERNEL_DIR/bzImage" "$root/boot/bzImage"
	gcc -O1 -static -o "$root/usr/bin/luo-session" "$KHO_TOP/lab/luo-session.c"
	install -m 755 "$KHO_TOP/lab/guest-agent" "$root/usr/sbin/init"
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	echo 'ID=kho-guest' >"$root/etc/os-release"
}

# image_root FILE [--initramfs FILE] [--vmlinux FILE] [--more FOLDER]: the disk; with the
# initramfs and the vmlinux in /boot, and what is in FOLDER.
image_root() {
	local file=$1 root=$KHO_BUILD/root size
	shift
	image_root_tree "$root"
	while (($#)); do
		case $1 in
		--initramfs) cp "$2" "$root/boot/initramfs.img" ;;
		--vmlinux) image_vmlinux "$root" "$2" ;;
		--more) cp -a "$2/." "$root/" ;;
		*) die "image_root: unknown option $1" ;;
		esac
		shift 2
	done
	size=$(du -sm "$root" | cut -f1)
	rm -f "$file.tmp"
	mke2fs -q -t ext4 -O ^has_journal -L root -d "$root" "$file.tmp" "$((size * 5 / 4 + 64))M"
	mv "$file.tmp" "$file"
}
