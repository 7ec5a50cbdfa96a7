# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sources from the machine's own Debian mirror, through a private apt
# configuration that leaves the system's own apt alone.

# shellcheck source=scripts/sources.conf
. "$KHO_TOP/scripts/sources.conf"

FETCH_APT=$KHO_CACHE/apt
FETCH_DIR=$KHO_CACHE/downloads

# The URI of Debian's main archive as this machine has it.
fetch_mirror() {
	local site
	# shellcheck disable=SC2016 # apt's own variables
	site=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN) $(LABEL)' |
		awk '$2 == "Packages" && $3 == "Debian" && $4 == "Debian" { print $1; exit }')
	[[ $site ]] || die "no Debian archive in this machine's apt sources: set KHO_LINUX_SRC and KHO_KEXEC_TOOLS_SRC to local sources"
	printf '%s\n' "$site"
}

fetch_apt_setup() {
	local site keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	site=$(fetch_mirror)
	mkdir -p "$FETCH_APT/lists/partial" "$FETCH_APT/cache/archives/partial" "$FETCH_DIR"
	cat >"$FETCH_APT/sources.list" <<-END
		deb [signed-by=$keyring] $site $LINUX_SUITE main
		deb-src [signed-by=$keyring] $site $KEXEC_TOOLS_SUITE main
	END
	cat >"$FETCH_APT/apt.conf" <<-END
		Dir::Etc::SourceList "$FETCH_APT/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$FETCH_APT/lists";
		Dir::Cache "$FETCH_APT/cache";
		APT::Sandbox::User "";
		Acquire::Languages "none";
	END
	APT_CONFIG=$FETCH_APT/apt.conf apt-get -q update
}

# fetch_checked FILE SHA256 COMMAND...: unless FILE is there and right, runs the
# command in an empty folder and keeps the one file that it leaves.
fetch_checked() {
	local file=$1 sum=$2 tmp
	shift 2
	if [[ -f $file ]] && printf '%s  %s\n' "$sum" "$file" | sha256sum -c --status; then
		return 0
	fi
	tmp=$(mktemp -d "$FETCH_DIR/partial.XXXXXX")
	(cd "$tmp" && APT_CONFIG=$FETCH_APT/apt.conf "$@")
	mv "$tmp"/* "$file"
	rmdir "$tmp"
}

fetch_linux_deb() {
	local sum
	fetch_apt_setup
	# apt has checked this hash against the archive's signature
	sum=$(APT_CONFIG=$FETCH_APT/apt.conf apt-cache show "$LINUX_PACKAGE" |
		sed -n 's/^SHA256: //p' | head -n 1)
	[[ $sum ]] || die "$LINUX_PACKAGE is not in suite $LINUX_SUITE of this machine's mirror: set KHO_LINUX_SRC"
	[[ $sum == "$LINUX_SHA256" ]] ||
		note "note: the mirror has a newer $LINUX_PACKAGE than the one that the series was made for"
	fetch_checked "$FETCH_DIR/$LINUX_PACKAGE.deb" "$sum" apt-get -q download "$LINUX_PACKAGE"
	printf '%s  %s\n' "$sum" "$FETCH_DIR/$LINUX_PACKAGE.deb" | sha256sum -c
}

# Only the upstream tarball: Debian's own part may be gone from the mirror.
fetch_kexec_tools_orig() {
	local uri name
	name=kexec-tools_$KEXEC_TOOLS_VERSION.orig.tar.xz
	fetch_apt_setup
	uri=$(APT_CONFIG=$FETCH_APT/apt.conf apt-get source --print-uris --download-only \
		"kexec-tools" | sed -n "s/^'\([^']*\)' $name .*/\1/p")
	[[ $uri ]] || die "$name is not in suite $KEXEC_TOOLS_SUITE of this machine's mirror: set KHO_KEXEC_TOOLS_SRC"
	fetch_checked "$FETCH_DIR/$name" "$KEXEC_TOOLS_SHA256" /usr/lib/apt/apt-helper \
		download-file "$uri" "$name" "SHA256:$KEXEC_TOOLS_SHA256"
	printf '%s  %s\n' "$KEXEC_TOOLS_SHA256" "$FETCH_DIR/$name" | sha256sum -c
}

# Prints the tarball or tree of Linux, fetching it if need be.
fetch_linux() {
	if [[ ${KHO_LINUX_SRC:-} ]]; then
		[[ -e $KHO_LINUX_SRC ]] || die "KHO_LINUX_SRC=$KHO_LINUX_SRC does not exist"
		realpath "$KHO_LINUX_SRC"
		return
	fi
	local deb=$FETCH_DIR/$LINUX_PACKAGE.deb tarball=$FETCH_DIR/$LINUX_PACKAGE.tar.xz
	mkdir -p "$FETCH_DIR"
	if ! { [[ -f $deb ]] && printf '%s  %s\n' "$LINUX_SHA256" "$deb" | sha256sum -c --status; }; then
		step "fetching $LINUX_PACKAGE (167 MB)" with_lock fetch fetch_linux_deb
	fi
	if [[ ! -f $tarball || $tarball -ot $deb ]]; then
		dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$LINUX_PACKAGE.tar.xz" >"$tarball.tmp"
		mv "$tarball.tmp" "$tarball"
	fi
	printf '%s\n' "$tarball"
}

# The same for kexec-tools.
fetch_kexec_tools() {
	if [[ ${KHO_KEXEC_TOOLS_SRC:-} ]]; then
		[[ -e $KHO_KEXEC_TOOLS_SRC ]] || die "KHO_KEXEC_TOOLS_SRC=$KHO_KEXEC_TOOLS_SRC does not exist"
		realpath "$KHO_KEXEC_TOOLS_SRC"
		return
	fi
	local tarball=$FETCH_DIR/kexec-tools_$KEXEC_TOOLS_VERSION.orig.tar.xz
	mkdir -p "$FETCH_DIR"
	if ! { [[ -f $tarball ]] && printf '%s  %s\n' "$KEXEC_TOOLS_SHA256" "$tarball" | sha256sum -c --status; }; then
		step "fetching kexec-tools $KEXEC_TOOLS_VERSION" with_lock fetch fetch_kexec_tools_orig
	fi
	printf '%s\n' "$tarball"
}

# unpack SOURCE DIR: a tarball or tree as DIR (which must not exist), without its
# top folder.
unpack() {
	local source=$1 dir=$2 tmp=$2.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	if [[ -d $source ]]; then
		cp -a "$source/." "$tmp/"
		rm -rf "$tmp/.git"
	else
		tar -xf "$source" -C "$tmp" --strip-components=1
	fi
	mv "$tmp" "$dir"
}

# source_id SOURCE: what a tarball or tree is known by in the cache.
source_id() {
	if [[ -d $1 ]]; then
		# too large to read whole each time: name, time and size of every file
		(cd "$1" && find . -path ./.git -prune -o -type f -printf '%P %T@ %s\n' | LC_ALL=C sort) |
			sha256sum | cut -c1-12
	else
		sha256sum <"$1" | cut -c1-12
	fi
}
