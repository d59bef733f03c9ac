#include "base/hash.h"
#include "base/mem.h"
#include "port/port.h"
#include "port/windows/win.h"

#include <stdio.h>

#define HASH_CHUNK (1U << 20)

/* Cut at size; empty where the text is NULL. */
static void copy_text(char *out, size_t size, const wchar_t *text, size_t units)
{
	char *utf8 = win_text(text, units);

	(void)snprintf(out, size, "%s", utf8 ? utf8 : "");
	mem_free(utf8);
}

static void read_value(const wchar_t *key, const wchar_t *name, char *out, size_t size)
{
	wchar_t text[256];
	DWORD bytes = sizeof text;

	out[0] = '\0';
	if (!RegGetValueW(HKEY_LOCAL_MACHINE, key, name,
			  RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, NULL, text, &bytes))
		copy_text(out, size, text, wcslen(text));
}

static void read_system(struct port_identity *id)
{
	static const wchar_t key[] = L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";
	OSVERSIONINFOEXW v = { .dwOSVersionInfoSize = sizeof v };
	SYSTEM_INFO info;

	read_value(key, L"ProductName", id->os, sizeof id->os);
	if (win_calls()->version && !win_calls()->version(&v))
		(void)snprintf(id->kernel, sizeof id->kernel, "%s %lu.%lu.%lu%s",
			       win_calls()->is_wine ? "Wine, as NT" : "NT",
			       v.dwMajorVersion, v.dwMinorVersion, v.dwBuildNumber, "");
	GetNativeSystemInfo(&info);
	id->cpu_count = info.dwNumberOfProcessors;
	(void)snprintf(id->hardware, sizeof id->hardware, "%s",
		       info.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64
			       ? "x86_64"
			       : "unknown");
}

void port_identity(struct port_identity *id)
{
	MEMORYSTATUSEX memory = { .dwLength = sizeof memory };
	wchar_t text[1024];
	DWORD units = ARRAY_LEN(text);

	memset(id, 0, sizeof *id);
	if (GetComputerNameExW(ComputerNameDnsHostname, text, &units))
		copy_text(id->host, sizeof id->host, text, units);
	units = GetModuleFileNameW(NULL, text, ARRAY_LEN(text));
	copy_text(id->executable, sizeof id->executable, text, units);
	read_value(L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid", id->machine_id,
		   sizeof id->machine_id);
	read_system(id);
	id->pid = GetCurrentProcessId();
	if (GlobalMemoryStatusEx(&memory))
		id->memory_bytes = memory.ullTotalPhys;
}

uint64_t port_memory_available(void)
{
	MEMORYSTATUSEX memory = { .dwLength = sizeof memory };

	return GlobalMemoryStatusEx(&memory) ? memory.ullAvailPhys : 0;
}

static void hash_file(int fd, char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES];
	struct hash *h = hash_new();
	char *chunk = mem_new(HASH_CHUNK, 1);
	ssize_t n = -1;
	int rc = 0;

	if (h && chunk) {
		while (!rc && (n = weir_read(fd, chunk, HASH_CHUNK)) > 0)
			rc = hash_update(h, chunk, (size_t)n);
		if (!rc && !n && !hash_finish(h, digest))
			hash_hex(digest, hex);
	}
	hash_free(h);
	mem_free(chunk);
}

void port_identity_hash(struct port_identity *id)
{
	wchar_t path[1024];
	DWORD units = GetModuleFileNameW(NULL, path, ARRAY_LEN(path));
	char *name = units < ARRAY_LEN(path) ? win_text(path, units) : NULL;
	int fd = name ? weir_open(name, O_RDONLY) : -1;

	mem_free(name);
	id->executable_sha256[0] = '\0';
	if (fd < 0)
		return;
	hash_file(fd, id->executable_sha256);
	(void)weir_close(fd);
}
