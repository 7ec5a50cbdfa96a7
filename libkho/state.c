// SPDX-License-Identifier: LGPL-2.1-or-later
/* One side of a source: its root, its scratch table, and its map on demand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "root_find.h"
#include "state.h"
#include "abi/snapshot.h"

#define DEBUGFS_KHO	"/sys/kernel/debug/kho/"
#define MAX_SCRATCH	4096

/* ------------------------------------------------- the root of a live machine */

static int read_root_debugfs(struct kho_root *root, struct kho_source *source, enum kho_side side,
			     struct kho_error *err)
{
	char path[64], *data;
	size_t size;
	int ret;

	snprintf(path, sizeof(path), DEBUGFS_KHO "%s/fdt", kho_side_folder(side));
	ret = kho_files_read(source->files, path, sizeof(root->fdt), &data, &size, err);
	if (ret == KHO_ERR_OS && side == KHO_SIDE_OUT) {
		ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			       "this kernel does not show its outgoing FDT (no %s)", path);
		return kho_remedy(err, ret, "Use a kernel with kernel-patches/, which shows it on every boot.");
	}
	if (ret)
		return ret;

	ret = kho_root_parse(root, side, KHO_FOUND_DEBUGFS, KHO_NO_ADDR, data, size, err);
	free(data);
	return ret;
}

static int check_side_exists(const struct kho_source *source, enum kho_side side,
			     struct kho_error *err)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), DEBUGFS_KHO "%s", kho_side_folder(side));
	if (kho_files_exist(source->files, path))
		return 0;

	ret = kho_fail(err, KHO_ERR_NO_STATE, KHO_NO_ADDR, "%s",
		       side == KHO_SIDE_IN ?
		       "this kernel was booted without a handover" :
		       "this kernel hands nothing over");
	return kho_remedy(err, ret, "%s", side == KHO_SIDE_IN ? "" :
			  "Look for \"KHO\" in the kernel's log.");
}

/* Reads the *n numbers of a debugfs file, one a line. */
static int read_numbers(const struct kho_source *source, const char *path, uint64_t *values,
			size_t max, size_t *n, struct kho_error *err)
{
	char *text, *line, *save = NULL;
	size_t size;
	int ret;

	ret = kho_files_read(source->files, path, 1 << 20, &text, &size, err);
	if (ret)
		return ret;

	*n = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*n == max || !kho_parse_u64(line, &values[*n])) {
			ret = kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				       "%s: cannot understand \"%.40s\"", path, line);
			break;
		}
		(*n)++;
	}
	free(text);
	return ret;
}

/*
 * For a kernel without fdt_phys. Its out/fdt may be truncated or missing, and does not give the
 * address of the page, so quick and certain ways come first.
 */
static int read_root_unpatched(struct kho_root *root, struct kho_source *source,
			       enum kho_side side, struct kho_error *err)
{
	int ret = kho_root_find_quick(root, source, side, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = read_root_debugfs(root, source, side, err);
	return ret == KHO_ERR_UNSUPPORTED ? kho_root_find_scan(root, source, side, err) : ret;
}

static int read_root_live(struct kho_root *root, struct kho_source *source, enum kho_side side,
			  struct kho_error *err)
{
	uint64_t addr;
	char path[64];
	size_t n;
	int ret;

	ret = check_side_exists(source, side, err);
	if (ret)
		return ret;

	snprintf(path, sizeof(path), DEBUGFS_KHO "%s/fdt_phys", kho_side_folder(side));
	ret = read_numbers(source, path, &addr, 1, &n, err);
	if (ret == KHO_ERR_OS)
		return read_root_unpatched(root, source, side, err);
	if (ret)
		return ret;
	if (n != 1)
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR, "%s is empty", path);
	return kho_root_read(root, source, side, KHO_FOUND_FDT_PHYS, addr, err);
}

/* ------------------------------------------------------- the root of a file */

/* For a dump without KHO's notes. */
static int read_root_dump(struct kho_root *root, struct kho_source *source, enum kho_side side,
			  struct kho_error *err)
{
	int ret = kho_root_find_quick(root, source, side, err);

	if (ret)
		return ret < 0 ? ret : 0;
	return kho_root_find_scan(root, source, side, err);
}

static int read_root_snapshot(struct kho_root *root, struct kho_source *source,
			      enum kho_side side, struct kho_error *err)
{
	const char *cursor = NULL;
	char value[64];
	uint64_t addr;
	int ret;

	if (!kho_source_note(source, "side", &cursor, value, sizeof(value)))
		return read_root_dump(root, source, side, err);
	if (strcmp(value, kho_side_folder(side))) {
		ret = kho_fail(err, KHO_ERR_NO_STATE, KHO_NO_ADDR,
			       "%s holds the other side, not \"%s\"", source->path,
			       kho_side_folder(side));
		return kho_remedy(err, ret, "%s --in.", side == KHO_SIDE_IN ? "Leave out" : "Use");
	}

	cursor = NULL;
	if (!kho_source_note(source, "fdt_phys", &cursor, value, sizeof(value)) ||
	    !kho_parse_u64(value, &addr))
		return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
				"%s: its notes do not say where the root FDT is", source->path);
	return kho_root_read(root, source, side, KHO_FOUND_SNAPSHOT, addr, err);
}

/* ---------------------------------------------------------------- scratch */

/* Files of debugfs and kernel option. Linux 7.4 renamed scratch to bootmem. */
static const struct scratch_names {
	const char *addrs, *sizes, *option;
} scratch_names[] = {
	{ DEBUGFS_KHO "out/scratch_phys", DEBUGFS_KHO "out/scratch_len", "kho_scratch" },
	{ DEBUGFS_KHO "out/bootmem_phys", DEBUGFS_KHO "out/bootmem_len", "kho_bootmem" },
};

static const struct scratch_names *names_of(const struct kho_source *source)
{
	unsigned int major, minor;

	if (source->files)
		return &scratch_names[kho_files_exist(source->files, scratch_names[1].addrs)];
	return &scratch_names[sscanf(source->release, "%u.%u", &major, &minor) == 2 &&
			      (major > 7 || (major == 7 && minor >= 4))];
}

const char *kho_state_scratch_option(const struct kho_state *state)
{
	return state->scratch_option;
}

static int read_scratch_live(struct kho_state *state, const struct scratch_names *names,
			     struct kho_error *err)
{
	uint64_t *addrs, *sizes;
	size_t n, m;
	int ret;

	/* malloc() does not touch the pages; most stay unused */
	addrs = malloc(2 * MAX_SCRATCH * sizeof(*addrs));
	if (!addrs)
		return kho_fail_nomem(err);
	sizes = addrs + MAX_SCRATCH;

	ret = read_numbers(state->source, names->addrs, addrs, MAX_SCRATCH, &n, err);
	if (!ret)
		ret = read_numbers(state->source, names->sizes, sizes, MAX_SCRATCH, &m, err);
	if (!ret && n != m)
		ret = kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
			       "debugfs gives %zu addresses and %zu sizes of scratch areas", n, m);
	if (ret)
		goto out;

	state->scratch = calloc(n ? n : 1, sizeof(*state->scratch));
	if (!state->scratch) {
		ret = kho_fail_nomem(err);
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		state->scratch[i] = (struct kho_range){ addrs[i], sizes[i] };
	state->nr_scratch = n;
out:
	free(addrs);
	return ret;
}

static int read_scratch_notes(struct kho_state *state, struct kho_error *err)
{
	const char *cursor = NULL;
	char value[64];

	state->scratch = calloc(MAX_SCRATCH, sizeof(*state->scratch));
	if (!state->scratch)
		return kho_fail_nomem(err);

	while (kho_source_note(state->source, "scratch", &cursor, value, sizeof(value))) {
		/* a snapshot of a dump without notes */
		if (!strcmp(value, KHO_SNAPSHOT_UNKNOWN)) {
			state->scratch_unknown = true;
			continue;
		}
		if (state->nr_scratch == MAX_SCRATCH ||
		    !kho_parse_range(value, &state->scratch[state->nr_scratch++]))
			return kho_fail(err, KHO_ERR_CORRUPT, KHO_NO_ADDR,
					"%s: bad scratch area in its notes", state->source->path);
	}
	/* the table of a kernel with KHO has areas, empty or not */
	state->scratch_unknown |= !state->nr_scratch;
	return 0;
}

/* ------------------------------------------------------------------ state */

static int page_size_unknown(const struct kho_source *source, struct kho_error *err)
{
	int ret = kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
			   "%s does not say the page size of its kernel, and arm64 kernels differ",
			   source->path);

	return kho_remedy(err, ret, "Say it: --page-size=4096, 16384 or 65536. A dump with VMCOREINFO has it.");
}

int kho_state_open(struct kho_source *source, enum kho_side side, struct kho_state **out,
		   struct kho_error *err)
{
	const struct scratch_names *names = names_of(source);
	struct kho_state *state;
	int ret;

	if (!source->page_shift)
		return page_size_unknown(source, err);
	state = calloc(1, sizeof(*state));
	if (!state)
		return kho_fail_nomem(err);

	state->source = source;
	state->scratch_option = names->option;
	if (source->files) {
		ret = read_root_live(&state->root, source, side, err);
		if (!ret)
			ret = read_scratch_live(state, names, err);
	} else {
		ret = read_root_snapshot(&state->root, source, side, err);
		if (!ret)
			ret = read_scratch_notes(state, err);
	}
	if (ret) {
		kho_state_close(state);
		return ret;
	}

	*out = state;
	return 0;
}

static void forget_map(struct kho_state *state)
{
	kho_map_close(state->map);
	state->map = NULL;
}

int kho_state_refresh(struct kho_state *state, struct kho_error *err)
{
	const struct kho_root *old = &state->root;
	struct kho_root root;
	int ret;

	if (!state->source->files)
		return 0;
	if (old->addr != KHO_NO_ADDR)
		ret = kho_root_read(&root, state->source, old->side, old->found_by, old->addr, err);
	else
		ret = read_root_debugfs(&root, state->source, old->side, err);
	if (ret)
		return ret;

	forget_map(state);
	kho_root_copy(&state->root, &root);
	return 0;
}

int kho_state_locate(struct kho_state *state, struct kho_error *err)
{
	struct kho_root root;
	int ret;

	if (state->root.addr != KHO_NO_ADDR)
		return 0;
	if (!state->source->files)
		return kho_fail(err, KHO_ERR_UNSUPPORTED, KHO_NO_ADDR,
				"%s does not say where the root FDT is", state->source->path);
	ret = kho_root_find_scan(&root, state->source, state->root.side, err);
	if (ret)
		return ret;

	forget_map(state);
	kho_root_copy(&state->root, &root);
	return 0;
}

void kho_state_close(struct kho_state *state)
{
	if (!state)
		return;
	kho_map_close(state->map);
	free(state->scratch);
	free(state);
}

int kho_state_map(struct kho_state *state, struct kho_map **map, struct kho_error *err)
{
	int ret = 0;

	if (!state->map)
		ret = kho_map_open(state->source, &state->root, state->v1_bitmap, &state->map, err);
	if (!ret)
		*map = state->map;
	return ret;
}

int kho_state_set_v1_bitmap(struct kho_state *state, unsigned int bytes)
{
	const unsigned int known = kho_v1_bitmap_of_release(state->source);

	if (bytes && bytes != KHO_V1_SMALL_BITMAP &&
	    bytes != kho_source_page(state->source))
		return KHO_ERR_USAGE;
	if (bytes && known && bytes != known && state->root.abi == KHO_ABI_V1 &&
	    state->root.side == KHO_SIDE_OUT)
		return KHO_ERR_USAGE;
	forget_map(state);
	state->v1_bitmap = bytes;
	return 0;
}

int kho_map_iter_create(struct kho_state *state, struct kho_map_iter **out,
			struct kho_error *err)
{
	struct kho_map *map;
	int ret = kho_state_map(state, &map, err);

	return ret ? ret : kho_map_begin(map, out, err);
}

int kho_map_contains(struct kho_state *state, uint64_t addr, uint64_t size,
		     struct kho_error *err)
{
	struct kho_map *map;
	int ret = kho_state_map(state, &map, err);

	return ret ? ret : kho_map_covers(map, addr, size, err);
}

int kho_map_for_each_node(struct kho_state *state, int (*fn)(uint64_t addr, void *data),
			  void *data, struct kho_error *err)
{
	struct kho_map *map;
	int ret = kho_state_map(state, &map, err);

	return ret ? ret : kho_map_nodes(map, fn, data, err);
}

/* -------------------------------------------------------------- accessors */

const struct kho_subtree *kho_state_subtree(const struct kho_state *state, const char *name)
{
	for (size_t i = 0; i < state->root.nr_subtrees; i++) {
		if (!strcmp(state->root.subtrees[i].name, name))
			return &state->root.subtrees[i];
	}
	return NULL;
}

enum kho_side kho_state_side(const struct kho_state *state)
{
	return state->root.side;
}

enum kho_abi kho_state_abi(const struct kho_state *state)
{
	return state->root.abi;
}

enum kho_found_by kho_state_found_by(const struct kho_state *state)
{
	return state->root.found_by;
}

bool kho_state_is_live(const struct kho_state *state)
{
	return state->source->files;
}

const char *kho_state_compatible(const struct kho_state *state)
{
	return state->root.compatible;
}

const char *kho_state_release(const struct kho_state *state)
{
	return state->source->release;
}

uint64_t kho_state_fdt_addr(const struct kho_state *state)
{
	return state->root.addr;
}

const void *kho_state_fdt(const struct kho_state *state, size_t *size)
{
	*size = state->root.fdt_size;
	return state->root.fdt;
}

uint64_t kho_state_map_addr(const struct kho_state *state)
{
	return state->root.map_addr;
}

unsigned int kho_state_page_size(const struct kho_state *state)
{
	return (unsigned int)kho_source_page(state->source);
}

const struct kho_subtree *kho_state_subtrees(const struct kho_state *state, size_t *n)
{
	*n = state->root.nr_subtrees;
	return state->root.subtrees;
}

size_t kho_state_bad_subtrees(const struct kho_state *state, const char **first)
{
	*first = state->root.bad_subtrees ? state->root.bad_subtree : NULL;
	return state->root.bad_subtrees;
}

const struct kho_range *kho_state_scratch(const struct kho_state *state, size_t *n)
{
	*n = state->nr_scratch;
	return state->scratch;
}

const struct kho_range *kho_state_ram(const struct kho_state *state, size_t *n)
{
	*n = state->source->nr_ram;
	return state->source->ram;
}

bool kho_state_knows_ram(const struct kho_state *state)
{
	return state->source->knows_ram;
}
