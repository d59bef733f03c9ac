#include "port/bpf.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_BYTES ((size_t)1 << 20)

static int call_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void set_name(char *to, size_t size, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	memcpy(to, name ? name : "", n < size ? n : size - 1);
}

static int fail(struct weir_error *err, const char *what)
{
	if (errno == ENOSYS)
		return err_set(err, WEIR_ERR_UNSUPPORTED,
			       "cannot %s: this kernel has no bpf system call", what);
	return err_sys(err, "cannot %s", what);
}

int port_bpf_map_create(const struct port_bpf_map *spec, struct weir_error *err)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof attr);
	attr.map_type = spec->type;
	attr.key_size = spec->key_bytes;
	attr.value_size = spec->value_bytes;
	attr.max_entries = spec->entries;
	attr.map_flags = spec->flags;
	set_name(attr.map_name, sizeof attr.map_name, spec->name);
	fd = call_bpf(BPF_MAP_CREATE, &attr);
	return fd < 0 ? fail(err, "create a BPF map") : fd;
}

int port_bpf_map_update(int fd, const void *key, const void *value,
			struct weir_error *err)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.map_fd = (uint32_t)fd;
	attr.key = address_of(key);
	attr.value = address_of(value);
	attr.flags = BPF_ANY;
	return call_bpf(BPF_MAP_UPDATE_ELEM, &attr) ? fail(err, "write to a BPF map") : 0;
}

int port_bpf_map_lookup(int fd, const void *key, void *value, struct weir_error *err)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.map_fd = (uint32_t)fd;
	attr.key = address_of(key);
	attr.value = address_of(value);
	return call_bpf(BPF_MAP_LOOKUP_ELEM, &attr) ? fail(err, "read from a BPF map")
						    : 0;
}

void *port_bpf_map_pages(int fd, size_t bytes, struct weir_error *err)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		return p;
	(void)fail(err, "map the pages of a BPF map");
	return NULL;
}

void port_bpf_map_pages_free(void *pages, size_t bytes)
{
	if (pages)
		(void)munmap(pages, bytes);
}

/* The verifier ends with statistics; what is wrong stands in the last line before them. */
static void last_words(const char *log, char *words, size_t size)
{
	const char *line = log, *best = "";
	size_t length = 0;

	while (*line) {
		size_t n = strcspn(line, "\n");

		if (n && strncmp(line, "processed ", 10) != 0 &&
		    strncmp(line, "verification time", 17) != 0 &&
		    strncmp(line, "stack depth", 11) != 0) {
			best = line;
			length = n;
		}
		line += n + (line[n] == '\n');
	}
	(void)snprintf(words, size, "%.*s", (int)length, best);
}

static int load(const struct port_bpf_program *spec, char *log, size_t log_bytes)
{
	static const char license[] = "GPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.prog_type = spec->type;
	attr.insns = address_of(spec->insns);
	attr.insn_cnt = (uint32_t)spec->count;
	attr.license = address_of(license);
	set_name(attr.prog_name, sizeof attr.prog_name, spec->name);
	if (log) {
		attr.log_level = 1;
		attr.log_buf = address_of(log);
		attr.log_size = (uint32_t)log_bytes;
		log[0] = '\0';
	}
	return call_bpf(BPF_PROG_LOAD, &attr);
}

int port_bpf_program_load(const struct port_bpf_program *spec, struct weir_error *err)
{
	char words[160], *log;
	int fd = load(spec, spec->log, spec->log_bytes), cause = errno;

	if (fd >= 0)
		return fd;
	/* EACCES is the verifier's no; a missing right is EPERM. */
	if (cause == EPERM || cause == ENOSYS)
		return fail(err, "load a BPF program");
	/* Again, only to hear why. */
	log = mem_new(LOG_BYTES, 1);
	if (!log)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a verifier log");
	fd = load(spec, log, LOG_BYTES);
	last_words(log, words, sizeof words);
	mem_free(log);
	if (fd >= 0)
		return fd;
	(void)err_set(err, WEIR_ERR_SYSTEM,
		      "cannot load a BPF program of %zu instructions: %s: "
		      "the verifier says '%s'",
		      spec->count, strerror(cause), words);
	if (err)
		err->sys = cause;
	return WEIR_ERR_SYSTEM;
}

int port_bpf_program_run(int fd, const void *bytes, size_t length, uint32_t *result,
			 struct weir_error *err)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof attr);
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.data_in = address_of(bytes);
	attr.test.data_size_in = (uint32_t)length;
	attr.test.repeat = 1;
	if (call_bpf(BPF_PROG_TEST_RUN, &attr))
		return fail(err, "run a BPF program");
	*result = attr.test.retval;
	return 0;
}
