// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Evidence of how the machine was started. In Linux 7.3:
 * arch/x86/kernel/ksysfs.c (setup_data), kernel/sysctl (bootloader_type),
 * drivers/of/kexec.c (linux,booted-from-kexec, linux,kho-fdt), drivers/of/fdt.c
 * (/sys/firmware/fdt), kernel/printk/printk.c (kmsg).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libfdt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"

#define SETUP_KEXEC_KHO		10
#define LOADER_KEXEC		0xd	/* in the high four bits of bootloader_type */
#define BOOT_PARAMS		"/sys/kernel/boot_params"
#define SETUP_DATA		BOOT_PARAMS "/setup_data"
#define CHOSEN			"/proc/device-tree/chosen"
#define FLAT_TREE		"/sys/firmware/fdt"
#define MAX_TREE		(2u << 20)	/* MAX_FDT_SIZE of arm64 */
#define BY_KEXEC		"linux,booted-from-kexec"
#define KHO_FDT			"linux,kho-fdt"
#define KMSG			"/dev/kmsg"
#define MAX_CMDLINE		65536
#define MAX_LOG			65536	/* bytes kept of the kernel's log */
#define LOG_TIME		5000	/* milliseconds to read it: a flood has no end */

static bool path_make(char *path, size_t size, const char *sysroot, const char *name)
{
	int n = snprintf(path, size, "%s%s", sysroot, name);

	return n > 0 && (size_t)n < size;
}

static bool exists(const char *sysroot, const char *name)
{
	char path[PATH_MAX];

	return path_make(path, sizeof(path), sysroot, name) && !access(path, F_OK);
}

/* Reads the number in a file (base 0). Returns 0, or -errno; -EINVAL: there is no number. */
static int read_number(const char *path, unsigned long *number)
{
	FILE *file = fopen(path, "re");
	char text[32], *end;
	bool read;
	int ret;

	if (!file)
		return -errno;
	errno = 0;
	read = fgets(text, sizeof(text), file);
	ret = -errno;
	fclose(file);
	if (!read)
		return ret ? ret : -EINVAL;
	errno = 0;
	*number = strtoul(text, &end, 0);
	return !errno && end != text && (!*end || *end == '\n') ? 0 : -EINVAL;
}

/*
 * Notes the first reason why it is not certain that nothing was left: @name cannot be read or, with
 * EINVAL, is not what it should be.
 */
static void doubt(struct boot_evidence *evidence, const char *name, const char *what, int error)
{
	if (*evidence->doubt)
		return;
	if (error == EINVAL)
		snprintf(evidence->doubt, sizeof(evidence->doubt), "%s is not %s", name, what);
	else
		snprintf(evidence->doubt, sizeof(evidence->doubt), "cannot read %s: %s", name,
			 strerror(error));
}

static void read_type(const char *sysroot, const char *number, struct boot_evidence *evidence)
{
	char name[sizeof(SETUP_DATA) + NAME_MAX + sizeof("//type")], path[PATH_MAX];
	int ret = -ENAMETOOLONG;
	unsigned long type;

	snprintf(name, sizeof(name), SETUP_DATA "/%s/type", number);
	if (path_make(path, sizeof(path), sysroot, name))
		ret = read_number(path, &type);
	if (ret)
		doubt(evidence, name, "a number", -ret);
	else if (type == SETUP_KEXEC_KHO)
		evidence->left = true;
}

/* A setup_data of that type is there even when this kernel was built without KHO. */
static void read_setup_data(const char *sysroot, struct boot_evidence *evidence)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder = NULL;

	if (path_make(path, sizeof(path), sysroot, SETUP_DATA))
		folder = opendir(path);
	/* a kernel without any has no such folder */
	if (!folder && errno == ENOENT)
		return;
	errno = folder ? 0 : errno;
	while (folder && (entry = readdir(folder))) {
		if (*entry->d_name != '.')
			read_type(sysroot, entry->d_name, evidence);
		errno = 0;
	}
	if (errno)
		doubt(evidence, SETUP_DATA, "a folder", errno);
	if (folder)
		closedir(folder);
}

/* Facts in /chosen of the device tree. */
struct chosen {
	bool there, by_kexec, kho;
};

/* Returns 0 with the whole tree, to be freed, or -errno. */
static int read_flat_tree(const char *path, void **tree)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *data;
	int ret;

	if (!file)
		return -errno;
	data = malloc(MAX_TREE + 1);
	if (data)
		size = fread(data, 1, MAX_TREE + 1, file);
	ret = !data ? -ENOMEM : ferror(file) ? -EIO : size > MAX_TREE ? -EFBIG :
	      fdt_check_full(data, size) ? -EINVAL : 0;
	fclose(file);
	if (ret)
		free(data);
	else
		*tree = data;
	return ret;
}

/* An arm64 kernel with ACPI does not unflatten the tree (setup_arch()), and shows it here only. */
static void read_flat_chosen(const char *sysroot, struct chosen *chosen,
			     struct boot_evidence *evidence)
{
	char path[PATH_MAX];
	int ret = -ENAMETOOLONG, node;
	void *tree = NULL;

	if (path_make(path, sizeof(path), sysroot, FLAT_TREE))
		ret = read_flat_tree(path, &tree);
	if (ret == -ENOENT)
		return;
	if (ret) {
		doubt(evidence, FLAT_TREE, "a device tree", -ret);
		return;
	}
	node = fdt_path_offset(tree, "/chosen");
	chosen->there = node >= 0;
	chosen->by_kexec = node >= 0 && fdt_getprop(tree, node, BY_KEXEC, NULL);
	chosen->kho = node >= 0 && fdt_getprop(tree, node, KHO_FDT, NULL);
	free(tree);
}

static void read_chosen(const char *sysroot, struct chosen *chosen, struct boot_evidence *evidence)
{
	*chosen = (struct chosen){ .there = exists(sysroot, CHOSEN) };
	chosen->by_kexec = exists(sysroot, CHOSEN "/" BY_KEXEC);
	chosen->kho = exists(sysroot, CHOSEN "/" KHO_FDT);
	if (!chosen->there)
		read_flat_chosen(sysroot, chosen, evidence);
}

/*
 * x86 has a boot loader type. A kernel that kexec_file_load started with a device tree has
 * linux,booted-from-kexec in it (of_kexec_alloc_and_setup_fdt()). One that kexec-tools loaded by
 * kexec_load on arm64 need not have it; our kexec promises state there only together with
 * linux,kho-fdt, which boot_evidence_read() looks for.
 */
static enum boot_answer started_by_kexec(const char *sysroot, const struct chosen *chosen)
{
	char path[PATH_MAX];
	unsigned long loader;
	int ret = -ENAMETOOLONG;

	if (chosen->by_kexec)
		return ANSWER_YES;
	if (path_make(path, sizeof(path), sysroot, "/proc/sys/kernel/bootloader_type"))
		ret = read_number(path, &loader);
	if (!ret)
		return loader >> 4 == LOADER_KEXEC ? ANSWER_YES : ANSWER_NO;
	return ret == -ENOENT && chosen->there ? ANSWER_NO : ANSWER_UNKNOWN;
}

void boot_evidence_read(const char *sysroot, struct boot_evidence *evidence)
{
	struct chosen chosen;

	*evidence = (struct boot_evidence){ .crash_kernel = exists(sysroot, "/proc/vmcore") };
	read_chosen(sysroot, &chosen, evidence);
	evidence->shown = chosen.there || exists(sysroot, BOOT_PARAMS "/version");
	evidence->by_kexec = started_by_kexec(sysroot, &chosen);
	evidence->left = chosen.kho;
	read_setup_data(sysroot, evidence);
	/* only a kexec leaves state */
	if (evidence->left)
		evidence->by_kexec = ANSWER_YES;
}

/* ------------------------------------------------------------ kernel log */

static void keep_line(struct boot_kernel_log *log, const char *line, size_t size)
{
	char *lines;

	if (size > MAX_LOG - log->size)
		return;
	if (log->size + size > log->room) {
		lines = realloc(log->lines, log->room + MAX_LOG / 4);
		if (!lines)
			return;
		log->lines = lines;
		log->room += MAX_LOG / 4;
	}
	memcpy(log->lines + log->size, line, size);
	log->size += size;
}

static bool contains_one(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strstr(text, words[i]))
			return true;
	}
	return false;
}

#define CONTAINS_ONE(text, words) contains_one(text, words, sizeof(words) / sizeof((words)[0]))

/* @record: "priority,sequence,microseconds,flags;text\n" and lines that begin with a blank. */
static void read_record(struct boot_kernel_log *log, char *record)
{
	static const char *const ours[] = { "KHO", "kho", "luo", "LUO", "dma-liveupdate" };
	static const char *const refused[] = { "disabling KHO revival", "Passed KHO data, but" };
	static const char *const left[] = { "KHO: found kexec handover data", "KHO: setup: " };
	unsigned long long microseconds;
	unsigned int priority;
	char *text = strchr(record, ';'), line[512];

	if (!text || sscanf(record, "%u,%*u,%llu", &priority, &microseconds) != 2)
		return;
	text++;
	text[strcspn(text, "\n")] = '\0';
	/* a facility besides the level: user space wrote it */
	if (priority > 7 || strstr(text, "ommand line: ") || !CONTAINS_ONE(text, ours))
		return;

	boot_plain(text);
	snprintf(line, sizeof(line), "[%5llu.%06llu] %s\n", microseconds / 1000000,
		 microseconds % 1000000, text);
	keep_line(log, line, strlen(line));
	if (CONTAINS_ONE(text, refused))
		log->refused = log->handed_over = true;
	if (CONTAINS_ONE(text, left))
		log->handed_over = true;
	if (strstr(text, "KHO"))
		snprintf(log->last, sizeof(log->last), "%.*s", (int)strcspn(line, "\n"), line);
}

/* A read of /dev/kmsg returns one record; a read of a file may return many. */
static void read_records(struct boot_kernel_log *log, char *buf)
{
	char *next;

	for (char *record = buf; record; record = next) {
		next = strchr(record, '\n');
		if (next)
			*next++ = '\0';
		if (*record != ' ')
			read_record(log, record);
	}
}

void boot_kernel_log_read(const char *sysroot, struct boot_kernel_log *log)
{
	uint64_t deadline = boot_clock() + LOG_TIME;
	char path[PATH_MAX], buf[8192];
	ssize_t n;
	int fd;

	memset(log, 0, sizeof(*log));
	if (!path_make(path, sizeof(path), sysroot, KMSG))
		return;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	log->readable = true;
	do {
		n = read(fd, buf, sizeof(buf) - 1);
		/* the record was overwritten: the next read continues after it */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		buf[n] = '\0';
		read_records(log, buf);
	} while (boot_clock() < deadline);
	/* EAGAIN: no more records */
	if (n > 0 || (n < 0 && errno != EAGAIN))
		log->readable = false;
	close(fd);
}

void boot_kernel_log_write(const char *sysroot, int priority, const char *text)
{
	char path[PATH_MAX], line[1024];
	int fd, n;

	if (!path_make(path, sizeof(path), sysroot, KMSG))
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	/* one write is one record */
	n = snprintf(line, sizeof(line), "<%d>kho: %.900s\n", priority, text);
	if (write(fd, line, (size_t)n) < 0)
		fputs("kho-inspect: cannot write to the kernel log\n", stderr);
	close(fd);
}

/* ---------------------------------------------------------- command line */

/* Copies @text; if it does not fit, the end is cut and marked so that it cannot parse as a value. */
static void copy_part(char *to, size_t size, const char *text, size_t length)
{
	snprintf(to, size, "%.*s%s", (int)(length < size ? length : size - 4), text,
		 length < size ? "" : "...");
}

static void take_option(struct boot_options *options, const struct kho_cmdline_arg *arg)
{
	char name[64], value[256];

	/* an unclosed quote takes in everything after it, maybe a promise */
	if (arg->unclosed && memmem(arg->text, arg->text_len, "rd.kho", 6)) {
		boot_options_unread(options, "the kernel command line",
				    "rd.kho options stand within an unclosed quote");
		return;
	}
	if (arg->name_len < 6 || memcmp(arg->name, "rd.kho", 6))
		return;
	copy_part(name, sizeof(name), arg->name, arg->name_len);
	if (arg->value)
		copy_part(value, sizeof(value), arg->value, arg->value_len);
	boot_options_add(options, name, arg->value ? value : NULL);
}

/* Also after "--": initramfs tools read the whole line, and a promise must not get lost. */
static int read_cmdline(const char *path, struct boot_options *options)
{
	FILE *file = fopen(path, "re");
	struct kho_cmdline_arg arg;
	const char *rest;
	char *text;
	size_t n;
	int ret;

	if (!file)
		return -errno;
	text = malloc(MAX_CMDLINE + 2);
	if (!text) {
		fclose(file);
		return -ENOMEM;
	}
	n = fread(text, 1, MAX_CMDLINE + 1, file);
	text[n] = '\0';
	ret = ferror(file) ? -errno : n > MAX_CMDLINE ? -EFBIG : 0;
	for (rest = text; kho_cmdline_next(&rest, &arg); )
		take_option(options, &arg);
	free(text);
	fclose(file);
	return ret;
}

/* Options that dracut put into the initramfs, in the order of its getarg; there may be none. */
static void read_baked_in(const char *sysroot, struct boot_options *options)
{
	char path[PATH_MAX];
	glob_t files;
	int ret;

	ret = path_make(path, sizeof(path), sysroot, "/etc/cmdline") ? read_cmdline(path, options) : 0;
	if (ret && ret != -ENOENT)
		boot_options_unread(options, "/etc/cmdline", strerror(-ret));
	if (!path_make(path, sizeof(path), sysroot, "/etc/cmdline.d/*.conf"))
		return;
	ret = glob(path, 0, NULL, &files);
	if (ret && ret != GLOB_NOMATCH)
		boot_options_unread(options, "/etc/cmdline.d", "out of memory");
	if (ret)
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		ret = read_cmdline(files.gl_pathv[i], options);
		if (ret)
			boot_options_unread(options, files.gl_pathv[i] + strlen(sysroot), strerror(-ret));
	}
	globfree(&files);
}

void boot_options_read(const char *sysroot, const char *file, struct boot_options *options)
{
	char path[PATH_MAX] = "";
	int ret;

	memset(options, 0, sizeof(*options));
	options->timeout = BOOT_TIMEOUT;
	if (!file) {
		read_baked_in(sysroot, options);
		path_make(path, sizeof(path), sysroot, "/proc/cmdline");
	}
	ret = read_cmdline(file ? file : path, options);
	if (ret)
		boot_options_unread(options, file ? file : "the kernel command line", strerror(-ret));
	boot_options_finish(options);
}
