# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The patched kernel of the test machines, built once for each set of inputs:
#   linux/<source>/src	as it came
#   linux/<source>/tree	hard links to it, with the series applied
#   linux/<source>/obj	the build folder, kept so that a changed patch rebuilds little
#   kernels/<key>/	bzImage (arm64: Image, Image.gz, vmlinuz.efi), config, modules/, build.log
# The build folder of another configuration has another name. "stock" is built from src, without
# the series. For arm64 the name ends in "-arm64".

# shellcheck source=lab/series.bash
. "$KHO_TOP/lab/series.bash"

KERNEL_SERIES=$KHO_TOP/kernel-patches

# kernel_arch ARCH: selects x86_64 (the default) or arm64 for the kernels that are built next.
kernel_arch() {
	KERNEL_ARCH=$1
	case $1 in
	x86_64)
		KERNEL_CONFIG=$KHO_TOP/lab/vm.config KERNEL_CROSS="" KERNEL_MAKE=()
		KERNEL_BOOT=arch/x86/boot KERNEL_IMAGES=(bzImage)
		;;
	arm64)
		KERNEL_CONFIG=$KHO_TOP/lab/vm-arm64.config KERNEL_CROSS=aarch64-linux-gnu-
		KERNEL_MAKE=(ARCH=arm64 CROSS_COMPILE="$KERNEL_CROSS")
		KERNEL_BOOT=arch/arm64/boot KERNEL_IMAGES=(Image Image.gz vmlinuz.efi)
		;;
	*) die "the test machines have no kernel for $1" ;;
	esac
	# the image that boots
	# shellcheck disable=SC2034 # for machine.bash
	KERNEL_IMAGE=${KERNEL_IMAGES[0]}
}
kernel_arch x86_64

# kernel_run_make TREE OBJ ARGUMENT...: runs make for that architecture. Uses ccache if it is
# installed, so that a tree that was unpacked again needs no second build.
kernel_run_make() {
	local tree=$1 obj=$2 cc=${KERNEL_CROSS}gcc
	shift 2
	! command -v ccache >/dev/null || cc="ccache $cc"
	make -s -C "$tree" O="$obj" LOCALVERSION= CC="$cc" "${KERNEL_MAKE[@]}" "$@"
}

kernel_gcc() {
	"${KERNEL_CROSS}gcc" --version | head -n 1 | sha256sum | cut -c1-8
}

# kernel_config_id FILE: a hash of the options of a configuration, without comments.
kernel_config_id() {
	grep '^CONFIG_' "$1" | LC_ALL=C sort | sha256sum | cut -c1-16
}

kernel_unpack() {
	local source=$1 src=$2
	mkdir -p "${src%/*}"
	[[ -d $src ]] || unpack "$source" "$src"
}

# series_pristine FOLDER FETCH: unpacks the sources that FETCH fetches below FOLDER of the cache,
# and prints their folder.
series_pristine() {
	local folder=$1 fetch=$2 source id dir
	source=$("$fetch")
	id=$(source_id "$source")
	dir=$KHO_CACHE/$folder/$id/src
	# take the lock only then, because a build holds it to its end
	[[ -d $dir ]] || with_lock "$folder-$id" kernel_unpack "$source" "$dir"
	printf '%s\n' "$dir"
}

# kernel_link_tree SRC TREE: makes TREE of hard links to all files of SRC.
kernel_link_tree() {
	local src=$1 tree=$2
	[[ ! -d $tree ]] || return 0
	rm -rf "$tree.tmp"
	cp -al "$src" "$tree.tmp"
	mv "$tree.tmp" "$tree"
}

kernel_prepare_tree() {
	local source=$1 dir=$2
	kernel_unpack "$source" "$dir/src"
	kernel_link_tree "$dir/src" "$dir/tree"
	series_am "$KERNEL_SERIES" "$dir/src" "$dir/applied"
	kernel_add_consumer "$dir/src" "$dir/applied"
	series_overlay "$dir/applied" "$dir/src" "$dir/tree"
}

# kernel_add_consumer SRC APPLIED: adds a driver for the tests that probes too early for a module.
kernel_add_consumer() {
	local src=$1 samples=$2/samples
	mkdir -p "$samples"
	[[ -e $samples/Makefile ]] || cp "$src/samples/Makefile" "$samples/"
	cp -r "$KHO_TOP/lab/kho_consumer" "$samples/"
	echo 'obj-y += kho_consumer/' >>"$samples/Makefile"
	git -C "$2" add -Af samples
}

# kernel_configure TREE OBJ CONFIG: allnoconfig with the options of CONFIG. Fails if Kconfig drops
# one of them.
kernel_configure() {
	local tree=$1 obj=$2 config=$3 line lost=0
	mkdir -p "$obj"
	kernel_run_make "$tree" "$obj" KCONFIG_ALLCONFIG="$config" allnoconfig >"$obj/.allno.log" 2>&1 || {
		cat "$obj/.allno.log"
		return 1
	}
	while read -r line; do
		case $line in
		CONFIG_*=n) ! grep -q "^${line%=n}=" "$obj/.config" || lost=1 ;;
		CONFIG_*=*) grep -qxF "$line" "$obj/.config" || lost=1 ;;
		*) continue ;;
		esac
		((!lost)) || {
			echo "the kernel's configuration does not keep $line"
			return 1
		}
	done <"$config"
}

# kernel_compile TREE OBJ OUT: builds the kernel; OUT appears only when it is complete.
kernel_compile() {
	local tree=$1 obj=$2 out=$3 tmp=$3.tmp image
	rm -rf "$tmp"
	mkdir -p "$tmp"
	kernel_run_make "$tree" "$obj" "-j$(nproc)" "${KERNEL_IMAGES[@]}" modules 2>&1 | tee "$tmp/build.log"
	((PIPESTATUS[0] == 0)) || return 1
	# nobody looks at the log of a build that passed, so a warning is a failure
	! grep -n 'warning:' "$tmp/build.log" || return 1
	kernel_run_make "$tree" "$obj" INSTALL_MOD_PATH="$tmp/modules" modules_install
	rm -f "$tmp"/modules/lib/modules/*/{build,source}
	for image in "${KERNEL_IMAGES[@]}"; do
		cp "$obj/$KERNEL_BOOT/$image" "$tmp/"
	done
	cp "$obj/.config" "$tmp/config"
	kernel_run_make "$tree" "$obj" kernelrelease >"$tmp/release"
	rm -rf "$out"
	mv "$tmp" "$out"
}

# kernel_config [FILE]: prints the configuration of the test machines. Options of FILE override it.
kernel_config() {
	local more=${1:-}
	if [[ $more ]]; then
		grep -vE "^($(sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=.*/\1/p' "$more" | paste -sd '|'))=" "$KERNEL_CONFIG"
		cat "$more"
	else
		cat "$KERNEL_CONFIG"
	fi
}

# kernel_stock_config TREE: prints those options of the test machines that TREE knows, without the
# options of the series, and with the kernel's own test of KHO.
kernel_stock_config() {
	local tree=$1 line
	find "$tree" -name 'Kconfig*' -type f -exec sed -n 's/^[[:space:]]*\(menu\)\?config \([A-Z0-9_]*\)$/\2/p' {} + |
		LC_ALL=C sort -u >"$tree.symbols"
	while read -r line; do
		[[ $line =~ ^CONFIG_([A-Z0-9_]+)= ]] || continue
		! grep -qxF "${BASH_REMATCH[1]}" "$tree.symbols" || printf '%s\n' "$line"
	done <"$KERNEL_CONFIG"
	# in older kernels only PROC_SYSCTL selects SYSCTL
	printf 'CONFIG_%s=y\n' PROC_SYSCTL RUNTIME_TESTING_MENU TEST_KEXEC_HANDOVER
}

kernel_make_locked() {
	local source=$1 tree=$2 obj=$3 out=$4 dir=${2%/*}
	shift 4
	[[ ! -d $out ]] || return 0
	mkdir -p "$dir" "$KHO_CACHE/kernels"
	case $tree in
	*/tree) step "unpacking Linux and applying the series" kernel_prepare_tree "$source" "$dir" ;;
	*) step "unpacking Linux" kernel_unpack "$source" "$tree" ;;
	esac
	"$@" >"$obj.config"
	step "configuring the kernel" kernel_configure "$tree" "$obj" "$obj.config"
	step "building the kernel (6 to 20 minutes the first time)" kernel_compile "$tree" "$obj" "$out"
}

# kernel_make SOURCE TREE OBJ KEY COMMAND...: builds the kernel KEY in OBJ if the cache does not have
# it, with the configuration that the command prints. TREE is the folder of the sources: "tree" with
# the series, "src" without it. Sets KERNEL_DIR, KERNEL_OBJ and KERNEL_RELEASE.
kernel_make() {
	local source=$1 id dir tree
	id=$(source_id "$source")
	dir=$KHO_CACHE/linux/$id
	tree=$dir/$2 KERNEL_OBJ=$dir/$3
	[[ $KERNEL_ARCH == x86_64 ]] || KERNEL_OBJ+=-$KERNEL_ARCH
	KERNEL_DIR=$KHO_CACHE/kernels/$id-$4-$(kernel_gcc)
	shift 4
	if [[ ! -d $KERNEL_DIR ]]; then
		with_lock "linux-$id" kernel_make_locked "$source" "$tree" "$KERNEL_OBJ" "$KERNEL_DIR" "$@"
	fi
	[[ -d $KERNEL_DIR ]] || die "the kernel was not built"
	# shellcheck disable=SC2034 # for image.bash
	KERNEL_RELEASE=$(<"$KERNEL_DIR/release")
}

# The hash of the series, for a key.
kernel_series_id() {
	local -a patches
	mapfile -t patches < <(series_files "$KERNEL_SERIES")
	hash_of "${patches[@]}" "$KHO_TOP"/lab/kho_consumer/*
}

# kernel_build [NAME FILE]: builds the patched kernel. Options of FILE override or extend its
# configuration, and the build folder is then NAME.
kernel_build() {
	local name=${1:-obj} more=${2:-} source
	source=$(fetch_linux)
	kernel_make "$source" tree "$name" \
		"$(kernel_series_id)-$(kernel_config_id "$KERNEL_CONFIG")${more:+-$name-$(kernel_config_id "$more")}" kernel_config "$more"
}

# kernel_build_stock RELEASE: builds a kernel of sources.conf without our series.
kernel_build_stock() {
	local source
	source=$(fetch_source "linux-$1")
	kernel_make "$source" src stock "stock-$(kernel_config_id "$KERNEL_CONFIG")" \
		kernel_stock_config "$KHO_CACHE/linux/$(source_id "$source")/src"
}

# kernel_module_build SOURCE OUT: builds a module for the patched kernel, in a copy of the module's
# folder. It needs the tree from which the kernel was built.
kernel_module_build() {
	local source=$1 out=$2 dir
	dir=$KHO_CACHE/linux/$(source_id "$(fetch_linux)")
	cmp "$KERNEL_DIR/config" "$KERNEL_OBJ/.config" || return 1
	rm -rf "$out"
	cp -r "$source" "$out"
	kernel_run_make "$dir/tree" "$KERNEL_OBJ" M="$out" modules
}

# kernel_selftests OUT: builds the selftests of KHO and live update, linked statically, in the tree
# from which the patched kernel was built.
kernel_selftests() {
	local out=$1 tree
	tree=$KHO_CACHE/linux/$(source_id "$(fetch_linux)")/tree
	rm -rf "$out" "$out.headers"
	mkdir -p "$out/kselftest"
	make -s -C "$tree" O="$out.headers" headers_install || return 1
	make -s -C "$tree/tools/testing/selftests/liveupdate" OUTPUT="$out" LDFLAGS=-static \
		KHDR_INCLUDES="-isystem $out.headers/usr/include" || return 1
	gcc -s -static -Os -nostdinc -nostdlib -fno-asynchronous-unwind-tables -fno-ident -fno-stack-protector \
		-I "$out.headers/usr/include" -I "$tree/tools/include/nolibc" \
		-o "$out/kho-init" "$tree/tools/testing/selftests/kho/init.c" || return 1
	cp "$tree"/tools/testing/selftests/kselftest/*.sh "$out/kselftest/"
	[[ ! -d $tree/tools/testing/selftests/kho/dma ]] ||
		cp -r "$tree/tools/testing/selftests/kho" "$out/kho"
	rm -rf "$out.headers"
}

# kernel_vmlinux OBJ FILE: makes FILE, the vmlinux of the build folder OBJ with debug information
# about KHO. A kernel with all its debug information takes long to build, so this compiles only the
# file with KHO's variables again, and adds its debug information to the symbols of the vmlinux.
# Addresses in that information are not the kernel's; structures are.
kernel_vmlinux() {
	local obj=$1 file=$2 saved command object section tmp add=()
	saved=$(find "$obj/kernel" -name .kexec_handover.o.cmd)
	command=$(sed -n '1s/^[a-z_]*cmd_[^ ]* := //p' "$saved")
	object=$(sed -n '1s/^[a-z_]*cmd_\([^ ]*\) := .*/\1/p' "$saved")
	command=${command%% ;*}
	tmp=$(mktemp -d)
	command=${command/-Wp,-MMD,* -nostdinc/-nostdinc}
	command=${command/ -o $object/ -g -o $tmp/kho.o}
	(cd "$obj" && bash -c "$command")
	# relocated
	ld -o "$tmp/kho" --noinhibit-exec --unresolved-symbols=ignore-all -Ttext=0xffffffff81000000 -e 0 "$tmp/kho.o"
	for section in $(readelf -SW "$tmp/kho" | grep -o '\.debug_[a-z_]*'); do
		objcopy --dump-section "$section=$tmp/$section" "$tmp/kho" "$tmp/copy"
		add+=(--add-section "$section=$tmp/$section")
	done
	objcopy "${add[@]}" "$obj/vmlinux" "$file"
	rm -r "$tmp"
}
