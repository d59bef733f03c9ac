/* How the kernel is asked for files: names that are put together, and what each is relative to.  wine maps
 * every path to one of its host's and has no streams, so that what is asked is looked at, not what comes. */
#include "port/files.h"
#include "port/port.h"
#include "port/windows/win.h"

#include "base/mem.h"
#include "lib/tap.h"

int weir_main(int argc, char **argv);

/* What the last call asked for. */
static struct {
	HANDLE root;
	char name[300];
	unsigned calls;
} asked;

static NTSTATUS(NTAPI *true_create)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES,
				    PIO_STATUS_BLOCK, PLARGE_INTEGER, ULONG, ULONG, ULONG,
				    ULONG, PVOID, ULONG);

static NTSTATUS NTAPI note_create(PHANDLE h, ACCESS_MASK access,
				  POBJECT_ATTRIBUTES object, PIO_STATUS_BLOCK io,
				  PLARGE_INTEGER size, ULONG attributes, ULONG share,
				  ULONG disposition, ULONG options, PVOID ea,
				  ULONG ea_bytes)
{
	const UNICODE_STRING *name = object->ObjectName;
	char *text = win_text(name->Buffer, name->Length / 2U);

	asked.root = object->RootDirectory;
	asked.calls++;
	(void)snprintf(asked.name, sizeof asked.name, "%s", text ? text : "?");
	mem_free(text);
	return true_create(h, access, object, io, size, attributes, share, disposition,
			   options, ea, ea_bytes);
}

/* The table is constant for everybody else. */
static void watch(bool is_on)
{
	const struct win_calls *constant = win_calls();
	struct win_calls *calls;

	memcpy(&calls, &constant, sizeof calls);
	if (is_on)
		true_create = calls->create;
	calls->create = is_on ? note_create : true_create;
}

static int folder;

static bool is_folder(int fd)
{
	struct weir_stat a, b;

	return fd >= 0 && !weir_fstat(fd, &a) && !weir_fstat(folder, &b) &&
	       a.st_ino == b.st_ino && S_ISDIR(a.st_mode);
}

/* By its handle: no text, which a share, a volume without a letter or an odd name would not survive. */
static void test_folder_itself(void)
{
	static const char *const names[] = { "", "." };
	struct port_files state;
	struct file_meta meta;
	struct weir_stat st;

	port_files_start(&state, false);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int fd = port_file_calls.open(&state, folder, names[i],
					      FILE_OPEN_DIRECTORY);

		CHECK(asked.root == win_handle(folder));
		CHECK_STR(asked.name, "");
		CHECK(is_folder(fd));
		port_file_calls.close(&state, fd);
	}
	CHECK_EQ(port_file_calls.query(&state, folder, ".", &meta), 0);
	CHECK(asked.root == win_handle(folder));
	CHECK_STR(asked.name, "");
	CHECK_EQ(weir_fstatat(folder, ".", &st, 0), 0);
	CHECK(asked.root == win_handle(folder));
	CHECK_STR(asked.name, "");
	CHECK_EQ(weir_faccessat(folder, ".", W_OK, 0), 0);
}

/* A file C with a stream is no path on drive C, nor does an entry of a folder lead out of it. */
static void test_entries(void)
{
	static const struct {
		const char *name, *xattr, *asked;
	} all[] = {
		{ "C", "user.notes.txt", "C:notes.txt" },
		{ ".", "user.notes.txt", ":notes.txt" },
		{ "", "user.notes.txt", ":notes.txt" },
		{ "..\\C", NULL, "..\\C" },
		{ "\\windows", NULL, "\\windows" },
		{ "C:\\windows", NULL, "C:\\windows" },
	};
	struct port_files state;
	char value[16];

	port_files_start(&state, false);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		asked.root = NULL;
		asked.name[0] = '\0';
		(void)port_file_calls.xattr(&state, folder, all[i].name, all[i].xattr,
					    value, sizeof value);
		CHECK(asked.root == win_handle(folder));
		CHECK_STR(asked.name, all[i].asked);
	}
}

/* A store's directory is made durable with the one above it. */
static void test_folder_above(void)
{
	struct weir_stat above, down;
	int fd = weir_openat(folder, "..", O_RDONLY | O_DIRECTORY);
	int again = weir_openat(fd, "sub", O_RDONLY | O_DIRECTORY);

	CHECK(fd >= 0 && is_folder(again));
	CHECK_EQ(weir_fstatat(folder, "../sub/.", &down, 0), 0);
	CHECK_EQ(weir_fstat(fd, &above), 0);
	CHECK(above.st_ino != down.st_ino);
	(void)weir_close(fd);
	(void)weir_close(again);
}

struct joined {
	const wchar_t *folder;
	const char *name;
	const wchar_t *path;
};

static void test_join(void)
{
	static const struct joined all[] = {
		{ L"\\\\?\\C:\\a\\b", "..", L"\\\\?\\C:\\a" },
		{ L"\\\\?\\C:\\a", "..", L"\\\\?\\C:\\" },
		{ L"\\\\?\\C:\\", "../..", L"\\\\?\\C:\\" },
		{ L"\\\\?\\C:\\", "./x", L"\\\\?\\C:\\x" },
		{ L"\\\\?\\C:\\a", "../b/./c", L"\\\\?\\C:\\b\\c" },
		{ L"\\\\?\\C:\\evil.\\a", "..", L"\\\\?\\C:\\evil." },
		{ L"\\\\?\\UNC\\srv\\share\\x", "..", L"\\\\?\\UNC\\srv\\share\\" },
		{ L"\\\\?\\UNC\\srv\\share\\x", "../../y", L"\\\\?\\UNC\\srv\\share\\y" },
		{ L"\\\\?\\Volume{1}\\x", "../..", L"\\\\?\\Volume{1}\\" },
		{ L"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy1\\x", "../../y",
		  L"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy1\\y" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		wchar_t *path = win_path_join(all[i].folder, all[i].name);

		CHECK(path && !wcscmp(path, all[i].path));
		mem_free(path);
	}
}

/* \\?\ says that nothing is to be changed. */
static void test_verbatim(void)
{
	static const char *const same[] = {
		"\\\\?\\C:\\x\\evil.",
		"\\\\?\\C:\\x \\y",
		"\\\\?\\Volume{1}\\",
		"\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy1\\",
		"\\\\?\\UNC\\srv\\share\\evil.",
	};
	wchar_t *path;

	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		wchar_t *want = win_units(same[i]);

		path = win_path(same[i]);
		CHECK(path && want && !wcscmp(path, want));
		mem_free(path);
		mem_free(want);
	}
	path = win_path("//?/C:/a");
	CHECK(path && !wcscmp(path, L"\\\\?\\C:\\a"));
	mem_free(path);
	/* The folder, not the device: so a path that is told without its last separator comes back. */
	path = win_path("//?/C:");
	CHECK(path && !wcscmp(path, L"\\\\?\\C:\\"));
	mem_free(path);
	path = win_path("//srv/share/x");
	CHECK(path && !wcscmp(path, L"\\\\?\\UNC\\srv\\share\\x"));
	mem_free(path);
}

static void test_plain(void)
{
	static const wchar_t *const pairs[][2] = {
		{ L"\\\\?\\C:\\a", L"C:\\a" },
		{ L"\\\\?\\UNC\\srv\\share\\x", L"\\\\srv\\share\\x" },
		{ L"\\\\?\\Volume{1}\\x", L"\\\\?\\Volume{1}\\x" },
		{ L"\\\\?\\GLOBALROOT\\Device\\X\\x",
		  L"\\\\?\\GLOBALROOT\\Device\\X\\x" },
		{ L"\\\\?\\C:\\evil.\\x", L"\\\\?\\C:\\evil.\\x" },
		{ L"\\\\?\\C:\\evil ", L"\\\\?\\C:\\evil " },
		{ L"\\\\?\\C:\\.a.b c", L"C:\\.a.b c" },
	};
	wchar_t path[64];

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		wcscpy(path, pairs[i][0]);
		CHECK(!wcscmp(win_path_plain(path), pairs[i][1]));
	}
}

/* The whole of it is flushed: it has no path behind it, however long the folder's is. */
static void test_volume(void)
{
	static char name[100];
	wchar_t *of_short = win_volume_of(win_handle(folder)), *of_long;
	int deep;

	memset(name, 'd', sizeof name - 1);
	CHECK_EQ(weir_mkdirat(folder, name, 0700), 0);
	deep = weir_openat(folder, name, O_RDONLY | O_DIRECTORY);
	CHECK(deep >= 0);
	of_long = win_volume_of(win_handle(deep));
	CHECK(of_short && of_long);
	if (of_short && of_long) {
		CHECK(!wcscmp(of_short, of_long));
		CHECK(!wcsncmp(of_long, L"\\\\?\\", 4));
		CHECK(!wcschr(of_long + 4, L'\\'));
	}
	CHECK_EQ(weir_syncfs(deep), 0);
	mem_free(of_short);
	mem_free(of_long);
	(void)weir_close(deep);
	CHECK_EQ(weir_unlinkat(folder, name, AT_REMOVEDIR), 0);
}

int weir_main(int argc, char **argv)
{
	char path[] = "weir-paths-XXXXXX", sub[64];

	(void)argc;
	(void)argv;
	CHECK(weir_mkdtemp(path) != NULL);
	(void)snprintf(sub, sizeof sub, "%s/sub", path);
	CHECK_EQ(weir_mkdir(sub, 0700), 0);
	folder = weir_open(sub, O_RDONLY | O_DIRECTORY);
	CHECK(folder >= 0);
	watch(true);
	RUN(test_folder_itself);
	RUN(test_entries);
	RUN(test_folder_above);
	watch(false);
	RUN(test_join);
	RUN(test_verbatim);
	RUN(test_plain);
	RUN(test_volume);
	(void)weir_close(folder);
	(void)weir_rmdir(sub);
	(void)weir_rmdir(path);
	return tap_done();
}
