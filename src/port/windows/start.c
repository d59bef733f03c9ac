/* Before main(): arguments as UTF-8, bytes as they are, no library from a folder of strangers. */
#include "base/mem.h"
#include "port/windows/win.h"

int weir_main(int argc, char **argv);
int wmain(int argc, wchar_t **argv);

static UINT code_page_before;

static void restore_console(void)
{
	(void)SetConsoleOutputCP(code_page_before);
}

/* Our texts are UTF-8; the console is told so, and told back at the end. */
static void prepare_console(void)
{
	code_page_before = GetConsoleOutputCP();
	if (code_page_before && code_page_before != CP_UTF8 &&
	    SetConsoleOutputCP(CP_UTF8))
		(void)atexit(restore_console);
	for (int fd = 0; fd <= 2; fd++)
		(void)_setmode(fd, _O_BINARY);
}

int wmain(int argc, wchar_t **argv)
{
	static const char no_memory[] = "weir: no memory for the arguments\n";
	char **words = mem_new((size_t)argc + 1, sizeof *words);

	(void)SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
	/* No boxes: a recorder may have nobody to press a button. */
	(void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX);
	prepare_console();
	for (int i = 0; words && i < argc; i++) {
		words[i] = win_text(argv[i], wcslen(argv[i]));
		if (!words[i])
			words = NULL;
	}
	if (!words) {
		(void)weir_write(STDERR_FILENO, no_memory, sizeof no_memory - 1);
		return 3;
	}
	return weir_main(argc, words);
}
