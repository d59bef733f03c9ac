#include "analyze/writer.h"

#include "analyze/recent.h"
#include "base/compiler.h"

struct recent *writer_described_new(void)
{
	return recent_new(WRITER_PROCESSES, sizeof(struct writer_process), 1);
}

/* The formats of `weir export`; the text of `weir show` is not one of them. */
static const struct writer_ops *const formats[] = { &writer_pcapng, &writer_pcap,
						    &writer_jsonl, &writer_csv };

const struct writer_ops *writer_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

const struct writer_ops *writer_by_path(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		size_t n = strlen(formats[i]->suffix);

		if (length > n && !strcmp(path + length - n, formats[i]->suffix))
			return formats[i];
	}
	return NULL;
}
