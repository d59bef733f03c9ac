/* The public face: text in, compiled filter out. */
#include "filter/filter.h"

#include "base/mem.h"
#include "filter/format.h"

#define WINDIVERT_TESTS 256

static const char *const layer_names[FILTER_LAYERS] = { "network", "forward", "flow",
							"socket", "reflect" };

int filter_layer_find(const char *name, enum filter_layer *layer)
{
	for (unsigned i = 0; i < FILTER_LAYERS; i++)
		if (!strcmp(name, layer_names[i])) {
			*layer = (enum filter_layer)i;
			return 0;
		}
	if (strcmp(name, "network_forward") != 0)
		return WEIR_ERR_USAGE;
	*layer = FILTER_FORWARD;
	return 0;
}

const char *filter_layer_name(enum filter_layer layer)
{
	return layer_names[layer];
}

static int no_memory(struct filter_error *e)
{
	*e = (struct filter_error){ .code = WEIR_ERR_NO_MEMORY,
				    .windivert_text = "Out of memory" };
	(void)snprintf(e->found, sizeof e->found, "no memory");
	return e->code;
}

static int too_many_tests(const struct filter *f, struct filter_error *e)
{
	e->code = WEIR_ERR_USAGE;
	e->length = 1;
	e->windivert_text = "Filter expression too long";
	e->windivert_at = 0;
	(void)snprintf(e->found, sizeof e->found,
		       "the filter has %zu tests, more than WinDivert's %d",
		       f->windivert_tests, WINDIVERT_TESTS);
	return e->code;
}

static int compile_text(struct filter *f, struct filter_error *e)
{
	struct expression *expression;
	struct lexed lexed;
	int rc = lex(&lexed, &f->pool, f->text, f->layer, f->flags, e);

	if (!rc)
		rc = parse(&f->tree, &f->pool, &lexed, f->text, f->flags, e);
	if (rc)
		return rc;
	f->windivert_tests = fold_count_tests(f->tree);
	if (f->windivert_tests > WINDIVERT_TESTS && f->flags & FILTER_WINDIVERT)
		return too_many_tests(f, e);
	f->folded = fold_tree(f->tree, &f->pool);
	if (!f->folded)
		return no_memory(e);
	expression = lower(f->folded, &f->strings, &f->pool, NULL);
	if (!expression || !graph_of_expression(&f->graph, expression, &f->pool))
		return no_memory(e);
	f->graph.layer = f->layer;
	return 0;
}

/* The normal form is made from the folded tree; an object is its own. */
static bool finish(struct filter *f)
{
	uint8_t digest[HASH_BYTES];
	struct words w;

	if (!graph_simplify(&f->graph, &f->pool) ||
	    !program_of_graph(&f->program, &f->graph, &f->strings, &f->pool) ||
	    !pending_make(f))
		return false;
	words_init(&w);
	if (f->folded)
		format_tree(&w, f->folded, f->layer);
	else
		words_add(&w, "%s", f->text);
	f->normal = words_take(&w);
	if (!f->normal || hash_once(f->normal, strlen(f->normal), digest))
		return false;
	hash_hex(digest, f->hash);
	return true;
}

static int compile(struct filter *f, struct filter_error *e)
{
	int rc;

	if (f->text[0] == '@')
		rc = object_read(&f->graph, &f->windivert_tests, f->text, f->layer,
				 &f->pool, e);
	else
		rc = compile_text(f, e);
	if (rc)
		return rc;
	return finish(f) ? 0 : no_memory(e);
}

int filter_compile(struct filter **out, const char *text, enum filter_layer layer,
		   unsigned flags, struct filter_error *error)
{
	struct filter_error ignored;
	struct filter *f = mem_new(1, sizeof *f);
	int rc;

	*out = NULL;
	if (!error)
		error = &ignored;
	*error = (struct filter_error){ .code = WEIR_OK };
	if (!f)
		return no_memory(error);
	pool_init(&f->pool);
	f->layer = layer;
	f->flags = flags;
	f->text = mem_strdup(text);
	rc = f->text ? compile(f, error) : no_memory(error);
	if (rc)
		filter_free(f);
	else
		*out = f;
	return rc;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	pool_fini(&f->pool);
	mem_free(f->text);
	mem_free(f->normal);
	mem_free(f);
}

void filter_input_packet(struct filter_input *in, const uint8_t *packet, size_t length)
{
	filter_input_cut(in, packet, length, length);
}

void filter_input_cut(struct filter_input *in, const uint8_t *packet, size_t length,
		      size_t wire_length)
{
	in->packet = packet;
	in->length = length;
	in->wire_length = wire_length;
	in->address.is_ipv6 = length && packet[0] >> 4 == 6;
}

static int match(const struct filter *f, const struct program *p,
		 const struct filter_input *in)
{
	struct view v;
	int rc;

	if (f->layer <= FILTER_FORWARD)
		rc = view_packet(&v, in);
	else if (f->layer != FILTER_REFLECT && in->packet)
		return WEIR_ERR_FORMAT;
	else
		rc = view_record(&v, in);
	return rc ? rc : program_run(p, &v, p->entry);
}

int filter_match(const struct filter *f, const struct filter_input *in)
{
	return match(f, &f->program, in);
}

static inline bool run(const struct filter *f, const struct program *p,
		       const struct filter_input *in)
{
	struct view v;
	int32_t at = p->entry;

	if (f->layer > FILTER_FORWARD)
		return match(f, p, in) > 0;
	if (at >= 0 && p->steps[at].is_beside) {
		v.in = in;
		v.is_record = false;
		at = program_run_beside(p, &v);
	}
	if (at == TARGET_REJECT || view_packet(&v, in))
		return false;
	return program_run(p, &v, at) > 0;
}

bool filter_matches(const struct filter *f, const struct filter_input *in)
{
	return run(f, &f->program, in);
}

bool filter_run(const struct filter *f, const struct program *p,
		const struct filter_input *in)
{
	return run(f, p, in);
}

bool filter_is_true(const struct filter *f)
{
	return f->program.entry == TARGET_ACCEPT;
}

bool filter_is_false(const struct filter *f)
{
	return f->program.entry == TARGET_REJECT;
}

const char *filter_text_like(const struct filter *f, const char *text)
{
	for (size_t i = 0; i < f->strings.count; i++)
		if (!strcmp(f->strings.items[i], text))
			return f->strings.items[i];
	/* Longer than any string within it: none of them. */
	return f->text;
}

enum filter_layer filter_layer_of(const struct filter *f)
{
	return f->layer;
}

const char *filter_text(const struct filter *f)
{
	return f->text;
}

const char *filter_normal(const struct filter *f)
{
	return f->normal;
}

const char *filter_hash(const struct filter *f)
{
	return f->hash;
}
