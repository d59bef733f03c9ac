/* The stand-in's packets: where they come from, where they go, what is told of them. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCAP_HEADER 24
#define PCAP_RECORD 16

struct standin standin;

/* From the environment; where that is not handed down (an agent's plugins get one of their own), from
 * standin.ini beside the DLL.  The length, 0: it is not set. */
static DWORD setting(const char *name, char *text, DWORD size)
{
	DWORD n = GetEnvironmentVariableA(name, text, size), length;
	char path[MAX_PATH + 16];
	HMODULE self = NULL;

	if (n)
		return n < size ? n : 0;
	if (!GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
					GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
				(const char *)&standin, &self))
		return 0;
	length = GetModuleFileNameA(self, path, MAX_PATH);
	while (length && path[length - 1] != '\\')
		length--;
	memcpy(path + length, "standin.ini", sizeof "standin.ini");
	return GetPrivateProfileStringA("standin", name, "", text, size, path);
}

UINT64 standin_number(const char *name)
{
	char text[32];

	return setting(name, text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}

static HANDLE open_file(const char *name, DWORD access, DWORD how)
{
	char path[1024];

	if (!setting(name, path, sizeof path))
		return INVALID_HANDLE_VALUE;
	return CreateFileA(path, access,
			   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
			   how, 0, NULL);
}

static void load_input(void)
{
	HANDLE file = open_file("STANDIN_IN", GENERIC_READ, OPEN_EXISTING), map;
	LARGE_INTEGER size = { 0 };

	standin.at = PCAP_HEADER;
	if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &size))
		return;
	map = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL);
	standin.input = map ? MapViewOfFile(map, FILE_MAP_READ, 0, 0, 0) : NULL;
	standin.input_bytes = standin.input ? (UINT64)size.QuadPart : 0;
}

static void put(HANDLE file, const void *bytes, DWORD length)
{
	DWORD done;

	if (file != INVALID_HANDLE_VALUE)
		(void)WriteFile(file, bytes, length, &done, NULL);
}

static UINT64 limit(const char *name, UINT64 most)
{
	UINT64 n = standin_number(name);

	return n && n < most ? n : most;
}

void standin_begin(void)
{
	static const UINT header[] = { 0xa1b2c3d4, 0x00040002, 0, 0, 262144, 101 };

	HMODULE ours;

	if (standin.is_ready)
		return;
	/* Our thread outlives the caller's interest. */
	(void)GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_PIN |
					 GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
				 (const char *)&standin, &ours);
	InitializeCriticalSection(&standin.lock);
	load_input();
	standin.out = open_file("STANDIN_OUT", GENERIC_WRITE, CREATE_ALWAYS);
	standin.log = open_file("STANDIN_LOG", GENERIC_WRITE, CREATE_ALWAYS);
	put(standin.out, header, sizeof header);
	standin.rate = (UINT)standin_number("STANDIN_RATE");
	standin.send_ms = (UINT)standin_number("STANDIN_SEND_MS");
	standin.batch = (UINT)standin_number("STANDIN_BATCH");
	standin.cut = (UINT)standin_number("STANDIN_CUT");
	standin.bad = (UINT)standin_number("STANDIN_BAD");
	standin.junk = (UINT)standin_number("STANDIN_JUNK");
	standin.impostor = (UINT)standin_number("STANDIN_IMPOSTOR");
	standin.error = (UINT)standin_number("STANDIN_ERROR");
	standin.refuse = (UINT)standin_number("STANDIN_REFUSE");
	standin.exhaust = (UINT)standin_number("STANDIN_EXHAUST");
	standin.most[0] = limit("STANDIN_LENGTH", STANDIN_PACKETS);
	standin.most[1] = limit("STANDIN_TIME", 16000);
	standin.most[2] = 33554432;
	standin.is_ready = TRUE;
}

INT64 standin_ticks(void)
{
	LARGE_INTEGER now;

	(void)QueryPerformanceCounter(&now);
	return now.QuadPart;
}

BOOL standin_next(struct standin_packet *p)
{
	UINT length;

	if (standin.at + PCAP_RECORD > standin.input_bytes)
		return FALSE;
	memcpy(&length, standin.input + standin.at + 8, sizeof length);
	p->bytes = standin.input + standin.at + PCAP_RECORD;
	p->length = length;
	p->number = ++standin.number;
	p->ticks = standin_ticks();
	standin.at += PCAP_RECORD + length;
	standin.fed++;
	return TRUE;
}

/* Records of a batch are gathered by the caller's call; one write each. */
void standin_write(const BYTE *bytes, UINT length)
{
	static BYTE record[PCAP_RECORD + 65600];
	UINT words[4] = { 0, 0, length, length };

	if (length > 65600)
		return;
	memcpy(record, words, sizeof words);
	memcpy(record + PCAP_RECORD, bytes, length);
	put(standin.out, record, PCAP_RECORD + length);
}

/* Always as long, so that it can be written over. */
void standin_tell(void)
{
	char line[1024];
	int n;

	if (standin.log == INVALID_HANDLE_VALUE)
		return;
	n = snprintf(
		line, sizeof line,
		"{\"opens\":%llu,\"fed\":%llu,\"received\":%llu,\"sent\":%llu,"
		"\"dropped\":%llu,\"passed\":%llu,\"released\":%llu,\"refused\":%llu,\"flags\":%llu,"
		"\"filter\":\"%s\"}",
		standin.opens, standin.fed, standin.received, standin.sent,
		standin.dropped, standin.passed, standin.released, standin.refused,
		standin.last_flags, standin.filter);
	if (n < 0 || n >= (int)sizeof line - 1)
		return;
	memset(line + n, ' ', sizeof line - (size_t)n);
	line[sizeof line - 1] = '\n';
	(void)SetFilePointer(standin.log, 0, NULL, FILE_BEGIN);
	put(standin.log, line, sizeof line);
}
