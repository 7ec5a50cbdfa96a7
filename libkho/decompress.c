// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Decompresses the payloads of kernels, each format with its library. libelf needs zlib and libzstd
 * anyway. The others are loaded on demand, so that no initramfs carries them.
 */
#include <dlfcn.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "config.h"
#include "decompress.h"
#include "kho.h"
#include "library.h"

struct output {
	unsigned char *data;
	size_t size, room, max;
	kho_enough_fn enough;	/* NULL: decompress all */
	void *arg;
	size_t ask_at;		/* size at which to call @enough again */
};

/* The caller has enough data. Not an error code. */
#define ENOUGH	1

/* Calls @enough at sizes that grow by an eighth: the caller may search all data each time. */
static bool is_enough(struct output *out)
{
	if (!out->enough || !out->size || out->size < out->ask_at)
		return false;
	out->ask_at = out->size + out->size / 8 + (1 << 20);
	return out->enough(out->data, out->size, out->arg);
}

/* Makes room for at least one more byte, in small steps to decompress little more than needed. */
static int output_grow(struct output *out)
{
	size_t room = out->room + out->room / 8 + (1 << 20);
	unsigned char *data;

	if (out->size < out->room)
		return 0;
	if (is_enough(out))
		return ENOUGH;
	if (out->room >= out->max)
		return KHO_ERR_CORRUPT;
	if (room > out->max)
		room = out->max;
	data = realloc(out->data, room);
	if (!data)
		return KHO_ERR_NOMEM;
	out->data = data;
	out->room = room;
	return 0;
}

static int unpack_gzip(const unsigned char *in, size_t in_size, struct output *out)
{
	z_stream z = { .next_in = (unsigned char *)in, .avail_in = (uInt)in_size };
	int ret, code = 0;

	if (in_size > UINT32_MAX || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return KHO_ERR_NOMEM;
	/* the checksum covers all of the data and takes a fifth of the time */
	if (out->enough)
		inflateValidate(&z, 0);
	do {
		code = output_grow(out);
		if (code)
			break;
		z.next_out = out->data + out->size;
		z.avail_out = (uInt)(out->room - out->size);
		ret = inflate(&z, Z_NO_FLUSH);
		out->size = out->room - z.avail_out;
		if (ret != Z_OK && ret != Z_STREAM_END)
			code = ret == Z_MEM_ERROR ? KHO_ERR_NOMEM : KHO_ERR_CORRUPT;
	} while (!code && ret != Z_STREAM_END);
	inflateEnd(&z);
	return code;
}

/* The library stays loaded: a process that cannot load it any more may need it again. */
static int load(const char *name, const struct kho_library_symbol *symbols, size_t nr_symbols)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	struct kho_error err;

	return library && !kho_library_resolve(library, name, symbols, nr_symbols, &err)
		       ? 0 : KHO_ERR_NOT_FOUND;
}

static int unpack_lzma(const unsigned char *in, size_t in_size, struct output *out)
{
	typeof(lzma_auto_decoder) *auto_decoder;
	typeof(lzma_code) *decode;
	typeof(lzma_end) *end;
	const struct kho_library_symbol symbols[] = {
		{ "lzma_auto_decoder", &auto_decoder }, { "lzma_code", &decode }, { "lzma_end", &end },
	};
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret ret = LZMA_OK;
	int code = load(KHO_LIBRARY_LZMA, symbols, sizeof(symbols) / sizeof(symbols[0]));

	if (code)
		return code;
	if (auto_decoder(&z, 512 << 20, 0) != LZMA_OK)
		return KHO_ERR_NOMEM;
	z.next_in = in;
	z.avail_in = in_size;
	do {
		code = output_grow(out);
		if (code)
			break;
		z.next_out = out->data + out->size;
		z.avail_out = out->room - out->size;
		ret = decode(&z, LZMA_RUN);
		out->size = out->room - z.avail_out;
		if (ret != LZMA_OK && ret != LZMA_STREAM_END)
			code = ret == LZMA_MEM_ERROR ? KHO_ERR_NOMEM : KHO_ERR_CORRUPT;
	} while (!code && ret != LZMA_STREAM_END);
	end(&z);
	return code;
}

static int unpack_zstd(const unsigned char *in, size_t in_size, struct output *out)
{
	ZSTD_inBuffer input = { in, in_size, 0 };
	ZSTD_DStream *z = ZSTD_createDStream();
	size_t ret = 1;
	int code = 0;

	if (!z)
		return KHO_ERR_NOMEM;
	/* kernels are compressed with windows larger than the default limit */
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 28);
	while (ret && !code) {
		ZSTD_outBuffer output;
		size_t before = input.pos;

		code = output_grow(out);
		if (code)
			break;
		output = (ZSTD_outBuffer){ out->data, out->room, out->size };
		ret = ZSTD_decompressStream(z, &output, &input);
		if (ZSTD_getErrorCode(ret) == ZSTD_error_memory_allocation)
			code = KHO_ERR_NOMEM;
		else if (ZSTD_isError(ret) || (ret && output.pos == out->size && input.pos == before))
			code = KHO_ERR_CORRUPT;
		out->size = output.pos;
	}
	ZSTD_freeDStream(z);
	return code;
}

/* Makes room for at least @n more bytes. */
static int output_reserve(struct output *out, size_t n)
{
	size_t room = out->room ? out->room : 1 << 20;
	unsigned char *data;

	if (n > out->max || out->size > out->max - n)
		return KHO_ERR_CORRUPT;
	while (room - out->size < n)
		room *= 2;
	if (room == out->room)
		return 0;
	data = realloc(out->data, room);
	if (!data)
		return KHO_ERR_NOMEM;
	out->data = data;
	out->room = room;
	return 0;
}

/*
 * The legacy format of "lz4 -l": magic, then {u32 size, block} until the end,
 * where the kernel's build appends the unpacked size as a last u32.
 */
static int unpack_lz4(const unsigned char *in, size_t in_size, struct output *out)
{
	typeof(LZ4_decompress_safe) *decompress;
	const struct kho_library_symbol symbol = { "LZ4_decompress_safe", &decompress };
	const size_t block_max = 8 << 20;
	int code = load(KHO_LIBRARY_LZ4, &symbol, 1);
	size_t pos = 4;

	if (code)
		return code;
	while (in_size - pos > 4) {
		uint32_t size;
		int n, ret;

		memcpy(&size, in + pos, sizeof(size));
		pos += 4;
		if (!size || size > in_size - pos || size > INT32_MAX)
			return KHO_ERR_CORRUPT;
		ret = output_reserve(out, block_max);
		if (ret)
			return ret;
		n = decompress((const char *)in + pos, (char *)out->data + out->size, (int)size,
			       (int)block_max);
		if (n < 0)
			return KHO_ERR_CORRUPT;
		out->size += (size_t)n;
		pos += size;
		if (is_enough(out))
			return ENOUGH;
	}
	/* only the size may be left */
	if (in_size - pos == 4) {
		uint32_t size;

		memcpy(&size, in + pos, sizeof(size));
		return size == (uint32_t)out->size ? 0 : KHO_ERR_CORRUPT;
	}
	return in_size == pos && out->size ? 0 : KHO_ERR_CORRUPT;
}

static const struct {
	unsigned char magic[6];
	size_t len;
	int (*unpack)(const unsigned char *in, size_t in_size, struct output *out);
} formats[] = {
	{ { 0x1f, 0x8b }, 2, unpack_gzip },
	{ { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_lzma },
	{ { 0x5d, 0, 0 }, 3, unpack_lzma },
	{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
	{ { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
};

int kho_decompress(const unsigned char *in, size_t in_size, size_t max,
		   kho_enough_fn enough, void *arg, unsigned char **out, size_t *out_size)
{
	struct output output = { .max = max, .enough = enough, .arg = arg };
	int ret = KHO_ERR_UNSUPPORTED;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (in_size > formats[i].len && !memcmp(in, formats[i].magic, formats[i].len)) {
			ret = formats[i].unpack(in, in_size, &output);
			break;
		}
	}
	if (ret && ret != ENOUGH) {
		free(output.data);
		return ret;
	}

	*out = output.data;
	*out_size = output.size;
	return 0;
}
