# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Boot media of a test machine: an initramfs by real dracut, and a small disk with a root file
# system. Both contain the staged project (installed with DESTDIR).

# image_copy_libraries ROOT FILE...: copies the loader and the libraries that these files need,
# of the stage's architecture. The libraries of the stage itself are in ROOT already.
image_copy_libraries() {
	local root=$1 file loader name dir=usr/lib/$STAGE_MULTIARCH
	shift
	mkdir -p "$root/$dir"
	for file; do
		loader=$(readelf -lW "$file" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
		[[ ! $loader || -e $root$loader ]] || cp -L "$STAGE_SYSROOT$loader" "$root$loader"
		while read -r name; do
			# includes the loader
			[[ $name != ld-* && ! -e $root/$dir/$name ]] || continue
			cp -L "$STAGE_SYSROOT/$dir/$name" "$root/$dir/$name"
			image_copy_libraries "$root" "$root/$dir/$name"
		done < <(readelf -dW "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	done
}

# image_copy_library ROOT KEY...: copies libraries that libkho loads on demand, and what these need.
# configure found the soname of KEY.
image_copy_library() {
	local root=$1 key name dir=usr/lib/$STAGE_MULTIARCH
	shift
	mkdir -p "$root/$dir"
	for key; do
		name=$(sed -n "s/^#define KHO_LIBRARY_$key \"\(.*\)\"\$/\1/p" "$STAGE_BUILD/config.h")
		[[ $name ]] || die "$STAGE_BUILD/config.h names no library $key"
		cp -L "$STAGE_SYSROOT/$dir/$name" "$root/$dir/$name"
		image_copy_libraries "$root" "$root/$dir/$name"
	done
}

# image_vmlinux ROOT VMLINUX: adds a vmlinux with debug information.
image_vmlinux() {
	cp "$2" "$1/boot/vmlinux"
	image_copy_library "$1" DW
}

# The busybox of the stage's architecture.
image_busybox() {
	if [[ $STAGE_SYSROOT ]]; then
		echo "$STAGE_SYSROOT/bin/busybox"
	else
		command -v busybox
	fi
}

# image_root_tree ROOT: fills the folder of the root file system.
image_root_tree() {
	local root=$1 applet image
	rm -rf "$root"
	mkdir -p "$root"/{proc,sys,dev,run,tmp,root,etc,boot,mnt,var/lib}
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	cp "$(image_busybox)" "$root/usr/bin/busybox"
	# modprobe and kexec are not busybox's
	busybox --list | while read -r applet; do
		[[ $applet == busybox ]] || ln -s busybox "$root/usr/bin/$applet"
	done
	rm -f "$root"/usr/bin/{modprobe,insmod,rmmod,lsmod,depmod}
	cp -L "$STAGE_SYSROOT/sbin/modprobe" "$root/usr/bin/kmod"
	for applet in modprobe insmod rmmod lsmod; do
		ln -s ../bin/kmod "$root/usr/sbin/$applet"
	done
	cp -a "$STAGE/." "$root/"
	[[ -z ${KEXEC:-} ]] || cp "$KEXEC" "$root/usr/sbin/kexec"
	[[ -z ${KEXEC_STOCK:-} ]] || cp "$KEXEC_STOCK" "$root/usr/sbin/kexec-stock"
	image_copy_libraries "$root" "$root/usr/bin/kmod" "$root/usr/bin/kho-inspect" "$STAGE_LIBDIR"/libkho.so \
		${KEXEC:+"$KEXEC"} ${KEXEC_STOCK:+"$KEXEC_STOCK"}
	image_copy_library "$root" LZ4 LZMA
	cp -a "$KERNEL_DIR/modules/lib/modules" "$root/usr/lib/"
	for image in "${KERNEL_IMAGES[@]}"; do
		cp "$KERNEL_DIR/$image" "$root/boot/"
	done
	$STAGE_CC -O1 -static -o "$root/usr/bin/luo-session" "$KHO_TOP/lab/luo-session.c"
	install -m 755 "$KHO_TOP/lab/guest-agent" "$root/usr/sbin/init"
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	echo 'ID=kho-guest' >"$root/etc/os-release"
}

# image_root FILE [--initramfs FILE] [--vmlinux FILE] [--more FOLDER]: makes the disk, with the
# initramfs and the vmlinux in /boot, and the contents of FOLDER.
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
