#include "filesystem/form.h"

#include "filesystem/text.h"

const struct form *form_find(const char *name)
{
	static const struct form *const forms[] = { &form_jsonl, &form_body, &form_plaso,
						    &form_csv, &form_table };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (!strcmp(forms[i]->name, name))
			return forms[i];
	return NULL;
}

void form_state_init(struct form_state *s, const struct owners *owners)
{
	memset(s, 0, sizeof *s);
	s->owners = owners;
	s->absent = "0";
	s->folder.length = SIZE_MAX;
}

struct bit_name {
	uint64_t bit;
	const char *name;
};

static char *write_names(char *p, const struct bit_name *rows, size_t count,
			 uint64_t bits)
{
	char *start = p;

	*p++ = '[';
	for (size_t i = 0; i < count; i++) {
		if (!(bits & rows[i].bit))
			continue;
		if (p > start + 1)
			*p++ = ',';
		*p++ = '"';
		p = text_bytes(p, rows[i].name, strlen(rows[i].name));
		*p++ = '"';
	}
	*p++ = ']';
	return p;
}

/* STATX_ATTR_* of linux/stat.h. */
char *form_attribute_names(char *p, uint64_t bits)
{
	static const struct bit_name rows[] = {
		{ 0x4, "compressed" },    { 0x10, "immutable" },
		{ 0x20, "append_only" },  { 0x40, "no_dump" },
		{ 0x800, "encrypted" },   { 0x1000, "automount" },
		{ 0x2000, "mount_root" }, { 0x100000, "verity" },
		{ 0x200000, "dax" },      { 0x400000, "atomic_write" },
	};

	return write_names(p, rows, ARRAY_LEN(rows), bits);
}

/* FS_XFLAG_* of linux/fs.h. */
char *form_xflag_names(char *p, uint64_t bits)
{
	static const struct bit_name rows[] = {
		{ 0x1, "realtime" },
		{ 0x2, "preallocated" },
		{ 0x8, "immutable" },
		{ 0x10, "append_only" },
		{ 0x20, "sync" },
		{ 0x40, "no_atime" },
		{ 0x80, "no_dump" },
		{ 0x100, "realtime_inherit" },
		{ 0x200, "project_inherit" },
		{ 0x400, "no_symlinks" },
		{ 0x800, "extent_size" },
		{ 0x1000, "extent_size_inherit" },
		{ 0x2000, "no_defrag" },
		{ 0x4000, "filestream" },
		{ 0x8000, "dax" },
		{ 0x10000, "cow_extent_size" },
		{ 0x20000, "verity" },
		{ 0x80000000, "has_attributes" },
	};

	return write_names(p, rows, ARRAY_LEN(rows), bits);
}
