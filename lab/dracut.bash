# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Initramfs images by dracut: by the machine's own, and by those of other releases of Debian. A
# folder holds the unpacked packages of a release, with its systemd and udev.

# Packages to make an initramfs, and the libraries of the stage.
DRACUT_PACKAGES=(
	dracut-core systemd systemd-sysv udev dash bash bsdutils busybox coreutils kmod util-linux util-linux-extra mount
	base-files libc-bin gzip cpio sed grep findutils gawk diffutils debianutils
	libfdt1 libelf1t64 zlib1g liblzma5 libzstd1 liblz4-1 libseccomp2
)

dracut_unpack() {
	local release=$1 dir=$2 suite=${DRACUT_RELEASES[$1]} found
	unpack_system "$suite" "" "$dir" "${DRACUT_PACKAGES[@]}"
	found=$(as_root chroot "$dir.tmp" dracut --version)
	[[ $found == "dracut $release"* ]] ||
		note "suite $suite has $found now, not $release: that is what is tested here"
	as_root mv "$dir.tmp" "$dir"
}

# dracut_root RELEASE: prints the folder, and fetches it if necessary.
dracut_root() {
	system_root "dracut $1 (35 MB)" "dracut/$1" DRACUT_PACKAGES dracut_unpack "$1"
}

# dracut_initramfs FILE ROOT MODULES [OPTION...]: runs dracut of ROOT (/ or such a folder) in a
# mount namespace of its own, with the stage mounted over it. dracut sees the project as
# installed, and the machine does not change. The image includes the driver, like that of a
# real host: udev loads it after the first check, and the check of claims follows.
# FILE.modules lists the modules of this dracut.
# The machine cannot run programs of another architecture. If ROOT has one, the machine's own
# dracut makes the image of the files in ROOT, with the modules of the dracut of ROOT.
dracut_initramfs() {
	local file=$1 root=$2 modules=$3
	shift 3
	# shellcheck disable=SC2016 # for the other shell
	as_root unshare --mount bash -euc '
		stage=$1 root=$2 kernel=$3 release=$4 file=$5 modules=$6 ldd=$7
		shift 7
		mount --make-rprivate /
		work=$(mktemp -d)
		mount -t tmpfs tmpfs "$work"
		mkdir "$work"/{upper,work,new}
		run=()
		if [[ $root == / ]]; then
			mount -t overlay overlay -o "lowerdir=$stage/usr:/usr" /usr
			new=
		else
			mount -t overlay overlay -o "lowerdir=$stage:$root,upperdir=$work/upper,workdir=$work/work" "$work/new"
			new=$work/new
			for dir in dev proc sys; do
				mkdir -p "$new/$dir"
				mount --rbind "/$dir" "$new/$dir"
			done
			run=(chroot "$new")
		fi
		inside=$new sysroot=()
		if [[ $ldd ]]; then
			run=(env "DRACUT_LDD=$ldd" "LDD_ROOT=$new" DRACUT_INSTALL=/usr/lib/dracut/dracut-install
				udevdir=/usr/lib/udev systemdutildir=/usr/lib/systemd)
			inside="" sysroot=(--sysroot "$new")
		fi
		tmp=$(mktemp -d "$new/tmp/kho.XXXXXX")
		modules_dir=$tmp/lib/modules/$release
		mkdir -p "$modules_dir"
		mount --bind "$kernel/modules/lib/modules/$release" "$modules_dir"
		"${run[@]}" dracut "${sysroot[@]}" --force --no-hostonly --no-hostonly-cmdline --no-early-microcode \
			--kver "$release" --kmoddir "${modules_dir#"$inside"}" --gzip --no-machineid \
			--modules "$modules" --add-drivers kho_edu "$@" "${tmp#"$inside"}/initramfs.img"
		"${run[@]}" dracut "${sysroot[@]}" --list-modules --no-kernel > "$file.modules"
		cat "$tmp/initramfs.img" > "$file.tmp"
		umount "$modules_dir"
		rm -r "$tmp"
	' bash "$STAGE" "$root" "$KERNEL_DIR" "$KERNEL_RELEASE" "$file" "$modules" \
		"${STAGE_SYSROOT:+$KHO_TOP/lab/ldd-in-root}" "$@"
	as_root chown "$(id -u):$(id -g)" "$file.tmp"
	chmod 644 "$file.tmp"
	mv "$file.tmp" "$file"
}

# The root folder of the system for an image. For dracut 059 it is the machine itself, whatever
# version it has, or the same release for the architecture of the stage. "beside" is the system
# that has initramfs-tools too.
dracut_root_of() {
	case $1 in
	*-beside-059) initramfs_tools_root ;;
	*-059) echo "${STAGE_SYSROOT:-/}" ;;
	*) dracut_root "${1##*-}" ;;
	esac
}

# dracut_image NAME FILE: makes an image of the tests, named by its contents and by the release of
# dracut. Images of 112 without systemd use busybox as the shell and for all tools.
dracut_image() {
	local name=$1 file=$2 root modules="base rootfs-block udev-rules"
	root=$(dracut_root_of "$name")
	case $name in
	systemd-*) modules+=" dash systemd systemd-initrd dracut-systemd" ;;
	*-112) modules+=" busybox" ;;
	*) modules+=" dash" ;;
	esac
	[[ $name == *-without-* ]] || modules+=" kho"
	dracut_initramfs "$file" "$root" "$modules"
}

# dracut_root_disk FILE ROOT: makes a disk with such a release, with this project installed and
# the tests' agent as a service.
dracut_root_disk() {
	local file=$1 root=$2 tree=$KHO_BUILD/release-root
	as_root rm -rf "$tree"
	as_root cp -a "$root" "$tree"
	as_root chown "$(id -u):$(id -g)" "$tree"
	# shellcheck disable=SC2016 # for the other shell
	as_root bash -euc '
		tree=$1 stage=$2 kernel=$3 agent=$4 kexec=$5
		cp -a "$stage/." "$tree/"
		cp -a "$kernel/modules/lib/modules" "$tree/usr/lib/"
		install -m 755 "$agent" "$tree/usr/sbin/guest-agent"
		install -m 755 "$kexec" "$tree/usr/sbin/kexec"
		mkdir -p "$tree"/{proc,sys,dev,run,mnt,etc/kho,etc/systemd/system/multi-user.target.wants,var/lib/node-exporter}
		echo KHO_TEXTFILE=/var/lib/node-exporter/kho.prom >"$tree/etc/kho/report.conf"
		printf "%s\n" "[Service]" "ExecStart=/usr/sbin/guest-agent" "StandardOutput=journal+console" \
			"[Install]" "WantedBy=multi-user.target" >"$tree/etc/systemd/system/guest-agent.service"
		# skip the tasks of a first boot after an update: they take half a minute
		touch "$tree/etc/.updated" "$tree/var/.updated"
		# no login: only messages go to the console
		for unit in getty.target systemd-firstboot.service; do
			ln -sf /dev/null "$tree/etc/systemd/system/$unit"
		done
		# enable every unit of this project
		units=("$stage"/usr/lib/systemd/system/kho-{preexec,report}.service "$stage"/usr/lib/systemd/system/kho-*.timer)
		chroot "$tree" systemctl enable guest-agent.service "${units[@]##*/}"
		chroot "$tree" systemctl set-default multi-user.target
		echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
	' bash "$tree" "$STAGE" "$KERNEL_DIR" "$KHO_TOP/lab/guest-agent" "$KEXEC"
	rm -f "$file.tmp"
	as_root mke2fs -q -t ext4 -O ^has_journal -L root -d "$tree" "$file.tmp" 400M
	as_root chown "$(id -u):$(id -g)" "$file.tmp"
	mv "$file.tmp" "$file"
	as_root rm -rf "$tree"
}
