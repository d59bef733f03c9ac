/* main() for a fuzz target that is built plain: runs every file of the given files and folders
 * through it and prints TAP, one line a file or folder argument. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	size_t n;

	if (!f)
		return -1;
	bytes = malloc(1 << 22);
	if (!bytes) {
		(void)fclose(f);
		return -1;
	}
	n = fread(bytes, 1, 1 << 22, f);
	(void)fclose(f);
	/* An exact allocation, so that the sanitizers see a read behind the end. */
	uint8_t *exact = malloc(n ? n : 1);
	if (exact) {
		memcpy(exact, bytes, n);
		(void)LLVMFuzzerTestOneInput(exact, n);
	}
	free(exact);
	free(bytes);
	return exact ? 0 : -1;
}

static int run_folder(const char *path, unsigned *count)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[4096];
	int rc = 0;

	if (!d)
		return run_file(path);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		rc |= run_file(name);
		++*count;
	}
	(void)closedir(d);
	return rc;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		unsigned count = 0;
		int rc = run_folder(argv[i], &count);

		/* An empty corpus proves nothing and is a failure. */
		failed |= rc || !count;
		printf("%s %d - %u inputs of %s\n", rc || !count ? "not ok" : "ok", i,
		       count, argv[i]);
	}
	printf("1..%d\n", argc - 1);
	return failed;
}
