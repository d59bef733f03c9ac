#include "process/form.h"

#include "base/time.h"
#include "store/facts.h"
#include "store/process_block.h"

#include <string.h>

const char *process_seen_name(unsigned seen)
{
	static const char *const names[] = { "packet", "snapshot", "fork", "exec" };

	return seen < ARRAY_LEN(names) ? names[seen] : "packet";
}

static json_t *text_or_null(const char *text)
{
	return facts_text(text[0] ? text : NULL);
}

static json_t *arguments(const struct process_facts *f)
{
	json_t *list = json_array();
	size_t at = 0;

	while (at < f->args_length) {
		char one[sizeof f->args + 1];
		size_t n = strnlen(f->args + at, f->args_length - at);

		memcpy(one, f->args + at, n);
		one[n] = '\0';
		(void)json_array_append_new(list, facts_text(one));
		at += n + 1;
	}
	return list;
}

static json_t *time_or_null(int64_t ns)
{
	char text[TIME_TEXT];

	if (!ns)
		return json_null();
	time_format(ns, text);
	return json_string(text);
}

static json_t *integer_or_null(int64_t value)
{
	return value ? json_integer(value) : json_null();
}

/* 0 is root, and a process without a parent: what was not read is neither. */
static json_t *id_or_null(bool is_known, uint32_t value)
{
	return is_known ? json_integer(value) : json_null();
}

json_t *facts_line(const struct process_facts *f)
{
	json_t *j = json_pack("{s:I,s:I,s:o,s:I,s:I,s:o,s:o,s:o}", "pid",
			      (json_int_t)f->pid, "start_ns", (json_int_t)f->start_ns,
			      "started", time_or_null(f->started_ns), "started_ns",
			      (json_int_t)f->started_ns, "at_ns", (json_int_t)f->at_ns,
			      "name", facts_text(f->name), "path", text_or_null(f->path),
			      "command_line", arguments(f));
	json_t *more = json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "parent_pid",
		id_or_null(f->has_parent, f->parent_pid), "parent_start_ns",
		integer_or_null((int64_t)f->parent_start_ns), "uid",
		id_or_null(f->has_uid, f->uid), "gid", id_or_null(f->has_gid, f->gid),
		"user", text_or_null(f->user), "cgroup", text_or_null(f->cgroup),
		"container", text_or_null(f->container), "netns",
		integer_or_null(f->netns), "sha256", text_or_null(f->sha256));

	if (!j || !more || json_object_update(j, more)) {
		json_decref(j);
		json_decref(more);
		return NULL;
	}
	json_decref(more);
	if (!f->sha256[0])
		(void)json_object_set_new(
			j, "sha256_reason",
			facts_text(f->reason[0] ? f->reason : "not known yet"));
	if (f->is_args_cut)
		(void)json_object_set_new(j, "command_line_is_cut", json_true());
	if (f->has_session)
		(void)json_object_set_new(j, "session", json_integer(f->session));
	(void)json_object_set_new(j, "ended", time_or_null(f->ended_ns));
	(void)json_object_set_new(j, "ended_ns", integer_or_null(f->ended_ns));
	(void)json_object_set_new(j, "seen", json_string(process_seen_name(f->seen)));
	return j;
}

size_t facts_block(const struct process_facts *f, uint8_t *out)
{
	struct process_fact fact = { .pid = f->pid,
				     .parent_pid = f->has_parent ? f->parent_pid : 0,
				     .started_ns = f->started_ns,
				     .uid = f->uid,
				     .has_uid = f->has_uid,
				     .name = f->name,
				     .path = f->path,
				     .user = f->user,
				     .command_line = f->args,
				     .command_line_length = f->args_length };

	return process_block_put(out, &fact);
}
