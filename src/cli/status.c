#include "base/time.h"
#include "cli/record.h"

#include <inttypes.h>

#define LINE_NS (250 * NS_PER_MS)
#define JSON_NS NS_PER_S

/* Small, flat objects: the writer is printf, the strings go through jansson for their quoting. */
static void print_json_string(FILE *out, const char *name, const char *value)
{
	json_t *text = json_stringn_nocheck(value, strlen(value));
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

	(void)fprintf(out, ",\"%s\":%s", name, quoted ? quoted : "null");
	free(quoted);
	json_decref(text);
}

void status_begin(struct status *s, const struct record_options *o, const char *where,
		  uint64_t memory_bytes, const char *confined)
{
	bool is_stdout_taken = o->stream && !strcmp(o->stream, "-");
	char memory[SIZE_TEXT];

	*s = (struct status){ .options = o,
			      .out = is_stdout_taken ? stderr : stdout,
			      .started_ns = port_monotonic_ns(),
			      .is_live = !o->is_quiet && !o->is_json &&
					 port_is_terminal(2) };
	s->last_ns = s->started_ns;
	if (o->is_json) {
		(void)fprintf(s->out, "{\"type\":\"started\",\"memory_bytes\":%" PRIu64,
			      memory_bytes);
		if (*confined)
			(void)fprintf(s->out, ",\"sandbox\":%s", confined);
		print_json_string(s->out, "store", where);
		(void)fputs("}\n", s->out);
		(void)fflush(s->out);
		return;
	}
	size_format(memory_bytes, memory);
	if (!o->is_quiet)
		(void)fprintf(stderr,
			      "recording to '%s' with %s of memory; Ctrl-C ends it\n",
			      where, memory);
}

static void draw_line(struct status *s, const struct session_status *now, double seconds)
{
	char bytes[SIZE_TEXT], disk[SIZE_TEXT] = "?";

	size_format(now->bytes, bytes);
	if (now->disk_free_bytes != UINT64_MAX)
		size_format(now->disk_free_bytes, disk);
	(void)fprintf(stderr,
		      "\r\033[K%02u:%02u:%02u  %" PRIu64
		      " packets  %s  %.0f/s  lost %" PRIu64 "  queue %u/%u  disk %s%s",
		      (unsigned)seconds / 3600, (unsigned)seconds / 60 % 60,
		      (unsigned)seconds % 60, now->packets, bytes, s->rate, now->lost,
		      now->queue_used, now->queue_blocks, disk,
		      now->is_suspended ? "  DISK FULL" : "");
	(void)fflush(stderr);
	s->is_drawn = true;
}

static void print_json_status(struct status *s, const struct session_status *now,
			      double seconds)
{
	(void)fprintf(s->out,
		      "{\"type\":\"status\",\"elapsed_s\":%.3f,\"packets\":%" PRIu64
		      ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"rate_pps\":%.0f"
		      ",\"written_bytes\":%" PRIu64 ",\"memory_bytes\":%" PRIu64
		      ",\"queue_blocks\":%u,\"queue_used\":%u,\"queue_most\":%u"
		      ",\"disk_free_bytes\":%" PRIu64 ",\"is_suspended\":%s}\n",
		      seconds, now->packets, now->bytes, now->lost, s->rate,
		      now->written_bytes, now->memory_bytes, now->queue_blocks,
		      now->queue_used, now->queue_most,
		      now->disk_free_bytes == UINT64_MAX ? 0 : now->disk_free_bytes,
		      now->is_suspended ? "true" : "false");
	(void)fflush(s->out);
}

void status_update(struct status *s, const struct session_status *now)
{
	int64_t t = port_monotonic_ns();
	double seconds = (double)(t - s->started_ns) / (double)NS_PER_S;

	if (t < s->next_ns || (!s->is_live && !s->options->is_json))
		return;
	s->next_ns = t + (s->options->is_json ? JSON_NS : LINE_NS);
	if (t > s->last_ns)
		s->rate = (double)(now->packets - s->last_packets) * (double)NS_PER_S /
			  (double)(t - s->last_ns);
	s->last_packets = now->packets;
	s->last_ns = t;
	if (s->options->is_json)
		print_json_status(s, now, seconds);
	else
		draw_line(s, now, seconds);
}

static void print_json_summary(struct status *s, const char *where,
			       const struct store_summary *sum)
{
	uint64_t lost = loss_total_packets(&sum->losses);
	bool is_first = true;

	(void)fprintf(s->out,
		      "{\"type\":\"summary\",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
		      ",\"wire_bytes\":%" PRIu64 ",\"segments\":%" PRIu64
		      ",\"first_ns\":%" PRId64 ",\"last_ns\":%" PRId64
		      ",\"lost\":%" PRIu64 ",\"losses\":{",
		      sum->packets, sum->bytes, sum->wire_bytes, sum->segments,
		      sum->first_ns, sum->last_ns, lost);
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		if (!sum->losses.packets[i])
			continue;
		(void)fprintf(s->out,
			      "%s\"%s\":{\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
			      is_first ? "" : ",", loss_name((enum loss)i),
			      sum->losses.packets[i], sum->losses.bytes[i]);
		is_first = false;
	}
	(void)fputs("}", s->out);
	print_json_string(s->out, "grade", grade_name(sum->grade));
	if (sum->is_continued)
		print_json_string(s->out, "sessions_grade", grade_name(sum->sessions));
	print_json_string(s->out, "store", where);
	(void)fputs("}\n", s->out);
	(void)fflush(s->out);
}

void status_end(struct status *s, const char *where, const struct store_summary *sum)
{
	char bytes[SIZE_TEXT];
	uint64_t lost = loss_total_packets(&sum->losses);

	if (s->is_drawn)
		(void)fputs("\r\033[K", stderr);
	if (s->options->is_json) {
		print_json_summary(s, where, sum);
		return;
	}
	size_format(sum->bytes, bytes);
	(void)fprintf(stderr, "recorded %" PRIu64 " packets, %s, in '%s'\n", sum->packets,
		      bytes, where);
	(void)fprintf(stderr, "lost %" PRIu64 " packets\n", lost);
	for (unsigned i = 0; i < LOSS_REASONS; i++)
		if (sum->losses.packets[i])
			(void)fprintf(stderr, "  %s: %" PRIu64 " (%s)\n",
				      loss_name((enum loss)i), sum->losses.packets[i],
				      loss_meaning((enum loss)i));
	(void)fprintf(stderr, "grade: %s%s\n", grade_name(sum->grade),
		      sum->is_inherited ? ", as that of an input" : "");
	if (sum->is_continued)
		(void)fprintf(
			stderr,
			"what passed between the sessions is not in it; the grade of "
			"the sessions: %s\n",
			grade_name(sum->sessions));
}
