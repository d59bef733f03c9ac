#include "port/port.h"

#include "base/hash.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The first line of a small file, without its end; empty where there is none. */
static void read_line(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, text, size - 1);
		(void)close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* PRETTY_NAME="..." of os-release(5). */
static void read_os(char *text, size_t size)
{
	char line[512];
	FILE *f = fopen("/etc/os-release", "re");

	text[0] = '\0';
	if (!f)
		return;
	while (fgets(line, sizeof line, f)) {
		if (strncmp(line, "PRETTY_NAME=", 12) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		char *value = line + 12 + (line[12] == '"');
		value[strcspn(value, "\"")] = '\0';
		(void)snprintf(text, size, "%s", value);
	}
	(void)fclose(f);
}

/* The program itself, some megabytes.  Read, not mapped: on a network's file system another machine may
 * make it shorter, which would be a signal. */
static void hash_file(const char *path, char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES];
	struct hash *h = hash_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	size_t size = 256U << 10; /* few calls, and it stays in the cache */
	char *buf = mem_new(size, 1);
	ssize_t n = -1;

	hex[0] = '\0';
	if (h && fd >= 0 && buf) {
		while (!rc && (n = read(fd, buf, size)) > 0)
			rc = hash_update(h, buf, (size_t)n);
		if (!rc && !n && !hash_finish(h, digest))
			hash_hex(digest, hex);
	}
	hash_free(h);
	mem_free(buf);
	if (fd >= 0)
		(void)close(fd);
}

void port_identity(struct port_identity *id)
{
	struct utsname u;
	ssize_t n;

	memset(id, 0, sizeof *id);
	if (!uname(&u)) {
		(void)snprintf(id->host, sizeof id->host, "%s", u.nodename);
		(void)snprintf(id->kernel, sizeof id->kernel, "%s %s", u.release,
			       u.version);
		(void)snprintf(id->hardware, sizeof id->hardware, "%s", u.machine);
	}
	read_line("/etc/machine-id", id->machine_id, sizeof id->machine_id);
	read_line("/proc/sys/kernel/random/boot_id", id->boot_id, sizeof id->boot_id);
	read_os(id->os, sizeof id->os);
	n = readlink("/proc/self/exe", id->executable, sizeof id->executable - 1);
	id->executable[n > 0 ? n : 0] = '\0';
	id->uid = getuid();
	id->pid = (uint32_t)getpid();
	id->cpu_count = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	id->memory_bytes =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t port_memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && !kib && fgets(line, sizeof line, f))
		if (!strncmp(line, "MemAvailable:", 13))
			kib = strtoull(line + 13, NULL, 10);
	if (f)
		(void)fclose(f);
	return (uint64_t)kib << 10;
}

void port_identity_hash(struct port_identity *id)
{
	hash_file("/proc/self/exe", id->executable_sha256);
}
