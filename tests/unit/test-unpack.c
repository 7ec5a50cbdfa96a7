// SPDX-License-Identifier: GPL-2.0-or-later
/* Images that would exhaust memory or time (images in images, blocks of one byte), or that shrink during the read. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "libkho/decompress.h"
#include "libkho/kho.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "test-unpack:%d: %s\n", __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

/* Memory of the libraries that unpack runs out. */
static bool no_memory;

int __real_inflate(z_stream *z, int flush);
int __wrap_inflate(z_stream *z, int flush);
int __wrap_inflate(z_stream *z, int flush)
{
	return no_memory ? Z_MEM_ERROR : __real_inflate(z, flush);
}

size_t __real_ZSTD_decompressStream(ZSTD_DStream *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DStream *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DStream *z, ZSTD_outBuffer *out, ZSTD_inBuffer *in)
{
	return no_memory ? (size_t)-ZSTD_error_memory_allocation : __real_ZSTD_decompressStream(z, out, in);
}

static lzma_ret no_memory_code(lzma_stream *z, lzma_action action)
{
	(void)z;
	(void)action;
	return LZMA_MEM_ERROR;
}

/* Something else happens to the file after its first bytes are read. */
static const char *shrinking;

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	ssize_t n = __real_read(fd, buf, shrinking && size > 1000 ? 1000 : size);

	if (shrinking && truncate(shrinking, 500))
		abort();
	return n;
}

/* libkho loads liblzma on demand. */
void *__real_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name)
{
	lzma_ret (*code)(lzma_stream *z, lzma_action action) = no_memory_code;
	void *symbol = __real_dlsym(library, name);

	if (no_memory && !strcmp(name, "lzma_code"))
		memcpy(&symbol, &code, sizeof(symbol));
	return symbol;
}

struct work {
	uint64_t bytes;		/* that were looked at */
	size_t asked;
};

static bool look(const unsigned char *data, size_t size, void *arg)
{
	struct work *work = arg;

	(void)data;
	work->asked++;
	work->bytes += size;
	return false;
}

/* With thousands of tiny blocks, libkho examines the output only now and then. */
static void test_tiny_blocks(void)
{
	enum { BLOCKS = 200000, SIZE = 4 + BLOCKS * 6 };
	unsigned char *in = malloc(SIZE), *out, *at = in;
	struct work work = { 0 };
	size_t size;

	CHECK(in);
	memcpy(at, "\x02\x21\x4c\x18", 4);
	at += 4;
	/* {u32 size, token: one literal, the literal} */
	for (size_t i = 0; i < BLOCKS; i++, at += 6)
		memcpy(at, "\2\0\0\0\x10" "a", 6);
	CHECK(!kho_decompress(in, SIZE, 64 << 20, look, &work, &out, &size));
	CHECK(size == BLOCKS && out[0] == 'a' && out[size - 1] == 'a');
	CHECK(work.asked && work.asked < 100 && work.bytes < 20 * (uint64_t)BLOCKS);
	free(out);
	free(in);
}

/* gzip of @zeros zero bytes; the first @stored are stored unpacked. */
static size_t pack_zeros(unsigned char *out, size_t room, size_t stored, size_t zeros)
{
	static const unsigned char nothing[1 << 16];
	z_stream z = { .next_out = out, .avail_out = (uInt)room };

	CHECK(deflateInit2(&z, 0, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	for (size_t done = 0; done < zeros; done += sizeof(nothing)) {
		if (done == stored)
			CHECK(deflateParams(&z, 9, Z_DEFAULT_STRATEGY) == Z_OK);
		z.next_in = (unsigned char *)nothing;
		z.avail_in = sizeof(nothing);
		CHECK(deflate(&z, Z_NO_FLUSH) == Z_OK && !z.avail_in);
	}
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t pack(unsigned char *out, size_t room, const unsigned char *in, size_t size)
{
	z_stream z = {
		.next_out = out, .avail_out = (uInt)room,
		.next_in = (unsigned char *)in, .avail_in = (uInt)size,
	};

	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/*
 * 20 KiB that become 12 MiB that become 100 MiB: each layer alone is within what a layer of its
 * size may have; together they are not within what the file may have.
 */
static void test_layers(void)
{
	const size_t room = 16 << 20;
	unsigned char *inner = malloc(room), *outer = malloc(room);
	struct kho_target target;
	struct kho_error err;
	size_t size;

	CHECK(inner && outer);
	size = pack_zeros(inner, room, 12 << 20, 100 << 20);
	CHECK(size > 12 << 20);
	size = pack(outer, room, inner, size);
	CHECK(size < 64 << 10);
	CHECK(kho_target_examine(outer, size, "layers", &target, &err) == KHO_ERR_CORRUPT);

	/* libkho unpacks a valid one within the bound to its end, and finds no kernel */
	size = pack_zeros(inner, room, 0, 2 << 20);
	size = pack(outer, room, inner, size);
	CHECK(kho_target_examine(outer, size, "sound", &target, &err) == KHO_ERR_UNSUPPORTED);
	free(inner);
	free(outer);
}

/* Memory that runs out says nothing about the data. Nothing after the magic is sound here. */
static void test_no_memory(void)
{
	static const char magics[][7] = {
		"\x1f\x8b\x08", { '\xfd', '7', 'z', 'X', 'Z', '\0' }, { '\x5d', '\0', '\0' }, "\x28\xb5\x2f\xfd",
	};
	unsigned char packed[64];
	unsigned char *out;
	size_t size;

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		memset(packed, 0xff, sizeof(packed));
		memcpy(packed, magics[i], i == 1 ? 6 : i == 3 ? 4 : 3);
		no_memory = false;
		CHECK(kho_decompress(packed, sizeof(packed), 1 << 20, NULL, NULL, &out, &size) == KHO_ERR_CORRUPT);
		no_memory = true;
		CHECK(kho_decompress(packed, sizeof(packed), 1 << 20, NULL, NULL, &out, &size) == KHO_ERR_NOMEM);
	}
	no_memory = false;
}

static void test_shrinking(void)
{
	char path[] = "/tmp/test-unpack.XXXXXX";
	struct kho_target target;
	struct kho_error err;
	int fd = mkstemp(path), ret;

	CHECK(fd >= 0 && !ftruncate(fd, 1 << 20));
	shrinking = path;
	ret = kho_target_read(path, &target, &err);
	shrinking = NULL;
	CHECK(!unlink(path));
	CHECK(ret == KHO_ERR_FORMAT && strstr(err.message, "became shorter during the read"));
	close(fd);
}

int main(void)
{
	test_shrinking();
	test_no_memory();
	test_tiny_blocks();
	test_layers();
	return 0;
}
