/* What is newer than Windows 7 may be missing: with the table of looked-up calls emptied, the port does what
 * it promises by older ones, and a class of a call that is not there by the next one.  What has to be turned on
 * first is.  And what wine does not have: a process without a file, a drive of a server's. */
#include "filesystem/mounts.h"
#include "port/files.h"
#include "port/port.h"
#include "port/process.h"
#include "port/windows/win.h"

#include "lib/tap.h"

int weir_main(int argc, char **argv);

/* The table is constant for everybody else. */
static struct win_calls *table(void)
{
	const struct win_calls *constant = win_calls();
	struct win_calls *calls;

	memcpy(&calls, &constant, sizeof calls);
	return calls;
}

static void test_clocks(void)
{
	struct win_calls before = *table();
	int64_t precise = port_realtime_ns(), coarse;
	struct port_clocks c;

	CHECK(before.precise_time && before.status_to_error && before.create);
	table()->precise_time = NULL;
	table()->interrupt_time = NULL;
	coarse = port_realtime_ns();
	CHECK(coarse > precise - 1000000000 && coarse < precise + 10000000000);
	port_clocks(&c);
	CHECK(c.realtime_ns >= coarse - 1000000000);
	CHECK(c.monotonic_ns > 0);
	CHECK(c.boottime_ns > 0);
	*table() = before;
}

static void *note(void *arg)
{
	*(bool *)arg = true;
	return NULL;
}

static void test_threads(void)
{
	struct win_calls before = *table();
	struct port_thread *t;
	struct weir_error err;
	bool has_run = false;

	table()->thread_name = NULL;
	CHECK_EQ(port_thread_start(&t, "a name", note, &has_run, &err), 0);
	port_thread_join(t);
	CHECK(has_run);
	*table() = before;
}

static void test_identity(void)
{
	struct win_calls before = *table();
	struct port_identity id;

	table()->version = NULL;
	port_identity(&id);
	CHECK_EQ(strlen(id.kernel), 0);
	CHECK_STR(id.hardware, "x86_64");
	CHECK(id.cpu_count > 0);
	*table() = before;
}

/* How many classes a file system may lack, and which were asked for. */
static unsigned asked[64], refused;
static NTSTATUS(NTAPI *true_query)(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, PVOID,
				   ULONG, int, BOOLEAN, PUNICODE_STRING, BOOLEAN);

static NTSTATUS NTAPI poor_query(HANDLE h, HANDLE event, PVOID routine, PVOID context,
				 PIO_STATUS_BLOCK io, PVOID buffer, ULONG size, int class,
				 BOOLEAN is_single, PUNICODE_STRING name,
				 BOOLEAN is_restart)
{
	asked[class & 63]++;
	if (class == 63 || (refused > 1 && class == 37))
		return (NTSTATUS)0xC0000003;
	return true_query(h, event, routine, context, io, buffer, size, class, is_single,
			  name, is_restart);
}

/* The entries of a folder: how many, and how many have an id. */
static unsigned count_entries(unsigned *with_id)
{
	static uint8_t buffer[65536];
	struct port_files state;
	struct weir_error err;
	unsigned count = 0;
	int64_t n;
	int fd;

	*with_id = 0;
	if (port_root_open("C:\\windows\\system32\\drivers", &fd, &err))
		return 0;
	port_files_start(&state, false);
	while ((n = port_file_calls.entries(&state, fd, buffer, sizeof buffer)) > 0)
		for (int64_t at = 0; at < n;) {
			uint64_t id;
			uint16_t record;

			memcpy(&id, buffer + at, 8);
			memcpy(&record, buffer + at + 16, 2);
			*with_id += id != 0;
			count++;
			at += record;
		}
	port_handle_close(fd);
	return n < 0 ? 0 : count;
}

static void test_classes(void)
{
	struct win_calls before = *table();
	unsigned whole, with_id, poor_with_id;

	whole = count_entries(&with_id);
	printf("# %u entries\n", whole);
	CHECK(whole > 2);
	CHECK_EQ(with_id, whole);
	true_query = before.query_directory;
	table()->query_directory = poor_query;
	for (refused = 1; refused <= 2; refused++) {
		memset(asked, 0, sizeof asked);
		CHECK_EQ(count_entries(&poor_with_id), whole);
		CHECK_EQ(poor_with_id, refused == 1 ? whole : 0);
		CHECK(asked[63] > 0 && asked[37] > 0);
		CHECK_EQ(asked[2] > 0, refused == 2);
	}
	*table() = before;
}

/* What is off in every token is on where it is needed, and only then. */
static void test_privileges(void)
{
	char text[256];
	struct weir_error err;
	int fd;

	CHECK(!win_has_privilege(WIN_BACKUP));
	CHECK(!win_has_privilege(WIN_DEBUG));
	port_privileges(text, sizeof text);
	CHECK_STR(text, "administrator");
	CHECK_EQ(port_root_open("C:\\windows", &fd, &err), 0);
	port_handle_close(fd);
	CHECK(win_has_privilege(WIN_BACKUP));
	CHECK(!win_has_privilege(WIN_DEBUG));
	port_privileges(text, sizeof text);
	CHECK_STR(text, "administrator,SeBackupPrivilege");
	CHECK(port_process_begin());
	CHECK(win_has_privilege(WIN_DEBUG));
}

/* As of process 4, which has no file. */
static BOOL WINAPI no_image(HANDLE h, DWORD flags, LPWSTR path, PDWORD units)
{
	(void)h;
	(void)flags;
	(void)path;
	(void)units;
	SetLastError(ERROR_GEN_FAILURE);
	return FALSE;
}

static NTSTATUS(NTAPI *true_system)(int, PVOID, ULONG, PULONG);
static unsigned lists;

static NTSTATUS NTAPI count_lists(int class, PVOID buffer, ULONG size, PULONG used)
{
	lists++;
	return true_system(class, buffer, size, used);
}

static void test_name_without_file(void)
{
	struct win_calls before = *table();
	struct port_process p, same;

	true_system = before.query_system;
	table()->query_system = count_lists;
	CHECK_EQ(port_process_open(&p, GetCurrentProcessId()), 0);
	CHECK_EQ(lists, 0);
	table()->image_name = no_image;
	CHECK_EQ(port_process_open(&same, GetCurrentProcessId()), 0);
	CHECK(lists > 0);
	CHECK(p.name[0] != '\0');
	CHECK_STR(same.name, p.name);
	CHECK(same.handle != NULL);
	CHECK_EQ(same.started_ns, p.started_ns);
	CHECK_EQ(same.parent_pid, p.parent_pid);
	port_process_close(&same);
	/* Without the list it is nameless, and there. */
	table()->query_system = NULL;
	CHECK_EQ(port_process_open(&same, GetCurrentProcessId()), 0);
	CHECK_STR(same.name, "");
	port_process_close(&same);
	port_process_close(&p);
	*table() = before;
}

static UINT WINAPI all_remote(LPCWSTR root)
{
	return root[0] == L'C' ? DRIVE_FIXED : DRIVE_REMOTE;
}

static unsigned volumes_asked, servers_asked;

static BOOL WINAPI count_asked(LPCWSTR root, LPWSTR name, DWORD units, LPDWORD serial,
			       LPDWORD longest, LPDWORD flags, LPWSTR form,
			       DWORD form_units)
{
	(void)name;
	(void)units;
	(void)longest;
	volumes_asked++;
	servers_asked += root[0] != L'C';
	*serial = 0x1234;
	*flags = 0;
	if (form && form_units > 4)
		wcscpy(form, L"NTFS");
	return TRUE;
}

/* A listing begins by them: of a server that is gone each would take half a minute. */
static void test_network_drives(void)
{
	struct win_calls before = *table();
	struct mounts m;
	const struct mount_row *r;
	size_t length;
	char *text;

	table()->drive_type = all_remote;
	table()->volume_facts = count_asked;
	CHECK_EQ(port_mounts_read(&text, &length, NULL), 0);
	*table() = before;
	CHECK_EQ(servers_asked, 0);
	CHECK_EQ(volumes_asked, 1);
	CHECK_EQ(strlen(text), length);
	CHECK_EQ(mounts_parse(&m, text, length), 0);
	r = mounts_over(&m, "//?/C:/a");
	CHECK(r && !strcmp(r->type, "ntfs") && r->kind == MOUNT_LOCAL);
	CHECK(r && r->dev_minor == 0x1234);
	/* wine has Z: from its host. */
	r = mounts_over(&m, "//?/Z:/a");
	CHECK(r && r->kind == MOUNT_NETWORK);
	CHECK(r && !strcmp(r->point, "//?/Z:"));
	/* What a mapped drive's files are called. */
	r = mounts_over(&m, "//?/UNC/srv/share/x");
	CHECK(r && r->kind == MOUNT_NETWORK);
	mounts_fini(&m);
}

int weir_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	RUN(test_privileges);
	RUN(test_clocks);
	RUN(test_threads);
	RUN(test_identity);
	RUN(test_classes);
	RUN(test_name_without_file);
	RUN(test_network_drives);
	return tap_done();
}
