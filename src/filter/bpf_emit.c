#include "filter/bpf_emit.h"

#include "filter/bpf_parse.h"
#include "filter/filter.h"

#include <stddef.h>

#define SKB(member)     ((int16_t)offsetof(struct __sk_buff, member))
#define PACKET_OUTGOING 4 /* linux/if_packet.h */
#define INSNS_PARSER    1400
#define INSNS_MAX       (BPF_ASM_MAX - 4000)

/* Readers: what view_read.c computes, left in R0. */

static void read_flow_label(struct emitter *e)
{
	static const struct {
		int16_t from;
		int32_t mask, left;
	} parts[] = { { 2, 0xff, 24 }, { 3, 0xff, 16 }, { 1, 15, 8 } };

	bpf_mov_imm(e->a, R0, 0);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		bpf_load(e->a, BPF_B, R1, FRAME, (int16_t)(e->network + parts[i].from));
		bpf_alu_imm(e->a, BPF_AND, R1, parts[i].mask);
		bpf_alu_imm(e->a, BPF_LSH, R1, parts[i].left);
		bpf_alu(e->a, BPF_OR, R0, R1);
	}
}

static void read_payload_length(struct emitter *e)
{
	bpf_mov(e->a, R0, END);
	bpf_alu(e->a, BPF_SUB, R0, AT);
}

static void read_fragment(struct emitter *e)
{
	bpf_mov(e->a, R0, FLAGS);
	bpf_alu_imm(e->a, BPF_RSH, R0, HEADER_COUNT);
}

static void read_protocol(struct emitter *e)
{
	bpf_load(e->a, BPF_DW, R0, FRAME, e->protocol);
}

static void read_length(struct emitter *e)
{
	bpf_load(e->a, BPF_DW, R0, FRAME, e->length);
}

static void read_event(struct emitter *e)
{
	bpf_mov_imm(e->a, R0, 0); /* PACKET */
}

static void read_outbound(struct emitter *e)
{
	unsigned is_outgoing = bpf_asm_label(e->a);

	if (e->env->outbound == FILTER_BPF_CONST) {
		bpf_mov_imm(e->a, R0, e->env->is_outbound);
		return;
	}
	bpf_load(e->a, BPF_W, R1, CONTEXT, SKB(pkt_type));
	bpf_mov_imm(e->a, R0, 1);
	bpf_jump_if_imm(e->a, BPF_JEQ, R1, PACKET_OUTGOING, is_outgoing);
	bpf_mov_imm(e->a, R0, 0);
	bpf_asm_bind(e->a, is_outgoing);
}

static void read_inbound(struct emitter *e)
{
	read_outbound(e);
	bpf_alu_imm(e->a, BPF_XOR, R0, 1);
}

static void read_loopback(struct emitter *e)
{
	bpf_mov_imm(e->a, R0, e->env->is_loopback);
}

static void read_if_idx(struct emitter *e)
{
	if (e->env->if_idx == FILTER_BPF_CONST)
		bpf_mov_imm64(e->a, R0, e->env->if_idx_value);
	else
		bpf_load(e->a, BPF_W, R0, CONTEXT, SKB(ifindex));
}

static void read_sub_if_idx(struct emitter *e)
{
	bpf_mov_imm64(e->a, R0, e->env->sub_if_idx_value);
}

/* R0 = the port of one side; R3 is 1 when it is the source's. */
static void read_port(struct emitter *e)
{
	struct bpf_asm *a = e->a;
	unsigned message = bpf_asm_label(a), source = bpf_asm_label(a);
	unsigned swap = bpf_asm_label(a), end = bpf_asm_label(a);
	unsigned is_message = bpf_asm_label(a);

	bpf_mov_imm(a, R0, 0);
	bpf_jump_if_imm(a, BPF_JSET, FLAGS, 1 << HEADER_ICMP | 1 << HEADER_ICMPV6,
			message);
	/* Without any transport header these bytes may be those of one that was cut off. */
	bpf_mov(a, R1, FLAGS);
	bpf_alu_imm(a, BPF_AND, R1, 1 << HEADER_TCP | 1 << HEADER_UDP);
	bpf_jump_if_imm(a, BPF_JEQ, R1, 0, end);
	bpf_jump_if_imm(a, BPF_JNE, R3, 0, source);
	bpf_load(a, BPF_H, R0, FRAME, (int16_t)(e->transport + 2));
	bpf_jump(a, swap);
	bpf_asm_bind(a, source);
	bpf_load(a, BPF_H, R0, FRAME, e->transport);
	bpf_asm_bind(a, swap);
	bpf_from_be(a, R0, 16);
	bpf_jump(a, end);
	bpf_asm_bind(a, message);
	bpf_jump_if_imm(a, BPF_JNE, R3, 0, is_message);
	bpf_jump(a, end);
	bpf_asm_bind(a, is_message);
	bpf_load(a, BPF_B, R0, FRAME, e->transport);
	bpf_asm_bind(a, end);
}

static void read_local_port(struct emitter *e)
{
	read_outbound(e);
	bpf_mov(e->a, R3, R0);
	read_port(e);
}

static void read_remote_port(struct emitter *e)
{
	read_outbound(e);
	bpf_mov(e->a, R3, R0);
	bpf_alu_imm(e->a, BPF_XOR, R3, 1);
	read_port(e);
}

/* R0 (high), R1 (low) = 16 bytes of the stack. */
static void load_wide(struct emitter *e, int16_t from)
{
	bpf_load(e->a, BPF_DW, R0, FRAME, from);
	bpf_load(e->a, BPF_DW, R1, FRAME, (int16_t)(from + 8));
	bpf_from_be(e->a, R0, 64);
	bpf_from_be(e->a, R1, 64);
}

static void load_mapped(struct emitter *e, int16_t from)
{
	bpf_load(e->a, BPF_W, R1, FRAME, from);
	bpf_from_be(e->a, R1, 32);
	bpf_mov_imm64(e->a, R0, UINT64_C(0xffff00000000));
	bpf_alu(e->a, BPF_OR, R1, R0);
	bpf_mov_imm(e->a, R0, 0);
}

/* R0, R1 = the address of one side; R3 is 1 when it is the source's. */
static void read_address(struct emitter *e)
{
	struct bpf_asm *a = e->a;
	unsigned ipv6 = bpf_asm_label(a), end = bpf_asm_label(a);
	unsigned source = bpf_asm_label(a), source6 = bpf_asm_label(a);

	bpf_jump_if_imm(a, BPF_JSET, FLAGS, 1 << HEADER_IPV6, ipv6);
	bpf_jump_if_imm(a, BPF_JNE, R3, 0, source);
	load_mapped(e, (int16_t)(e->network + 16));
	bpf_jump(a, end);
	bpf_asm_bind(a, source);
	load_mapped(e, (int16_t)(e->network + 12));
	bpf_jump(a, end);
	bpf_asm_bind(a, ipv6);
	bpf_jump_if_imm(a, BPF_JNE, R3, 0, source6);
	load_wide(e, (int16_t)(e->network + 24));
	bpf_jump(a, end);
	bpf_asm_bind(a, source6);
	load_wide(e, (int16_t)(e->network + 8));
	bpf_asm_bind(a, end);
}

static void read_local_address(struct emitter *e)
{
	read_outbound(e);
	bpf_mov(e->a, R3, R0);
	read_address(e);
}

static void read_remote_address(struct emitter *e)
{
	read_outbound(e);
	bpf_mov(e->a, R3, R0);
	bpf_alu_imm(e->a, BPF_XOR, R3, 1);
	read_address(e);
}

enum need {
	NEEDS_NOTHING,
	NEEDS_OUTBOUND,
	NEEDS_LOOPBACK,
	NEEDS_IF_IDX,
	NEEDS_SUB_IF_IDX
};

/* A field whose reader has no row here is unknown to the kernel. */
static const struct reader {
	uint64_t (*read)(const struct view *v);
	u128 (*read_wide)(const struct view *v);
	void (*emit)(struct emitter *e);
	enum need needs;
} readers[] = {
	{ view_flow_label, NULL, read_flow_label, NEEDS_NOTHING },
	{ view_payload_length, NULL, read_payload_length, NEEDS_NOTHING },
	{ view_fragment, NULL, read_fragment, NEEDS_NOTHING },
	{ view_protocol, NULL, read_protocol, NEEDS_NOTHING },
	{ view_length, NULL, read_length, NEEDS_NOTHING },
	{ view_event, NULL, read_event, NEEDS_NOTHING },
	{ view_zero, NULL, read_event, NEEDS_NOTHING },
	{ view_outbound, NULL, read_outbound, NEEDS_OUTBOUND },
	{ view_inbound, NULL, read_inbound, NEEDS_OUTBOUND },
	{ view_loopback, NULL, read_loopback, NEEDS_LOOPBACK },
	{ view_if_idx, NULL, read_if_idx, NEEDS_IF_IDX },
	{ view_sub_if_idx, NULL, read_sub_if_idx, NEEDS_SUB_IF_IDX },
	{ view_local_port, NULL, read_local_port, NEEDS_OUTBOUND },
	{ view_remote_port, NULL, read_remote_port, NEEDS_OUTBOUND },
	{ NULL, view_local_address, read_local_address, NEEDS_OUTBOUND },
	{ NULL, view_remote_address, read_remote_address, NEEDS_OUTBOUND },
};

static const struct reader *reader_of(const struct field *f)
{
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (f->read_wide ? readers[i].read_wide == f->read_wide
				 : f->read && readers[i].read == f->read)
			return &readers[i];
	return NULL;
}

static bool env_lacks(const struct filter_bpf_env *env, enum need need)
{
	switch (need) {
	case NEEDS_OUTBOUND:
		return env->outbound == FILTER_BPF_UNKNOWN;
	case NEEDS_LOOPBACK:
		return env->loopback != FILTER_BPF_CONST;
	case NEEDS_IF_IDX:
		return env->if_idx == FILTER_BPF_UNKNOWN;
	case NEEDS_SUB_IF_IDX:
		return env->sub_if_idx != FILTER_BPF_CONST;
	case NEEDS_NOTHING:
	default:
		return false;
	}
}

static bool is_constant(const struct field *f)
{
	return f->read == view_zero || f->read == view_one;
}

static bool is_unknown(const struct field *f, const void *context)
{
	const struct filter_bpf_env *env = context;
	const struct reader *r;

	if (f->source != SOURCE_READ || is_constant(f))
		return false;
	if (f->read_text)
		return f->is_user_only || !env->if_idx_of ||
		       env->if_idx == FILTER_BPF_UNKNOWN;
	r = reader_of(f);
	return !r || f->is_user_only || env_lacks(env, r->needs);
}

/* Where a test's outcomes lead. */
struct exits {
	unsigned in, out, absent;
};

static void emit_header_field(struct emitter *e, const struct field *f)
{
	bool is_transport = f->needs > HEADER_IPV6;
	int16_t at = (int16_t)((is_transport ? e->transport : e->network) + f->offset);

	if (f->size == 16) {
		load_wide(e, at);
		return;
	}
	bpf_load(e->a,
		 f->size == 4   ? BPF_W
		 : f->size == 2 ? BPF_H
				: BPF_B,
		 R0, FRAME, at);
	if (f->size > 1)
		bpf_from_be(e->a, R0, f->size * 8);
	if (f->shift)
		bpf_alu_imm(e->a, BPF_RSH, R0, f->shift);
	if (f->bits + f->shift < f->size * 8)
		bpf_alu_imm(e->a, BPF_AND, R0, (int32_t)((1U << f->bits) - 1));
}

/* Bytes at an index from either end of packet or payload. */
static void emit_item(struct emitter *e, const struct test *t, unsigned absent)
{
	bool is_payload = t->field->source == SOURCE_PAYLOAD;
	int32_t size = t->field->size;
	struct bpf_asm *a = e->a;

	/* R2 = where it begins, R3 = how many bytes there are. */
	if (is_payload) {
		bpf_mov(a, R3, END);
		bpf_alu(a, BPF_SUB, R3, AT);
		bpf_mov(a, R2, t->index < 0 ? END : AT);
	} else {
		bpf_load(a, BPF_DW, R3, FRAME, e->length);
		bpf_mov_imm(a, R2, 0);
		if (t->index < 0)
			bpf_mov(a, R2, R3);
	}
	if (t->index < 0 && -t->index < size) {
		bpf_jump(a, absent);
		return;
	}
	bpf_jump_if_imm(a, BPF_JLT, R3, t->index < 0 ? -t->index : t->index + size,
			absent);
	bpf_alu_imm(a, BPF_ADD, R2, t->index);
	bpf_emit_bytes(e, e->scratch, (unsigned)size);
	bpf_load(a, size == 4 ? BPF_W : size == 2 ? BPF_H : BPF_B, R0, FRAME, e->scratch);
	if (size > 1)
		bpf_from_be(a, R0, size * 8);
}

/* To `below` when the value in R0 (R0 and R1) is less than the key. */
static void emit_below(struct emitter *e, const struct field *f, u128 key, unsigned below)
{
	struct bpf_asm *a = e->a;
	unsigned end;

	if (f->bits < 128) {
		uint32_t low = (uint32_t)(key - f->bias);

		bpf_jump32_if_imm(a, BPF_JLT, R0, (int32_t)low, below);
		return;
	}
	end = bpf_asm_label(a);
	bpf_mov_imm64(a, R2, wide_high(key));
	bpf_jump_if(a, BPF_JLT, R0, R2, below);
	bpf_jump_if(a, BPF_JNE, R0, R2, end);
	bpf_mov_imm64(a, R2, wide_low(key));
	bpf_jump_if(a, BPF_JLT, R1, R2, below);
	bpf_asm_bind(a, end);
}

/* In one range: not below its first key, not at or above the one behind its last. */
static void emit_range(struct emitter *e, const struct field *f, const struct range *r,
		       const struct exits *to)
{
	if (r->low > field_first(f))
		emit_below(e, f, r->low, to->out);
	if (r->high >= field_last(f))
		bpf_jump(e->a, to->in);
	else
		emit_below(e, f, r->high + 1, to->in);
	bpf_jump(e->a, to->out);
}

/* Halves the ranges until one is left: as deep as their number has bits. */
static void emit_search(struct emitter *e, const struct field *f, const struct range *r,
			size_t count, const struct exits *to)
{
	size_t middle = count / 2;
	unsigned left;

	if (count == 1) {
		emit_range(e, f, r, to);
		return;
	}
	left = bpf_asm_label(e->a);
	emit_below(e, f, r[middle].low, left);
	emit_search(e, f, r + middle, count - middle, to);
	bpf_asm_bind(e->a, left);
	emit_search(e, f, r, middle, to);
}

/* A name is in when the interface has the index that it has now. */
static void emit_names(struct emitter *e, const struct test *t, const struct exits *to)
{
	bool other = set_has(&t->set, UINT32_MAX);

	read_if_idx(e);
	for (size_t i = 0; i < e->strings->count; i++) {
		uint32_t index = e->env->if_idx_of(e->strings->items[i], e->env->context);

		if (index && set_has(&t->set, i) != other)
			bpf_jump32_if_imm(e->a, BPF_JEQ, R0, (int32_t)index,
					  other ? to->out : to->in);
	}
	bpf_jump(e->a, other ? to->in : to->out);
}

static void emit_test(struct emitter *e, const struct test *t, const struct exits *to)
{
	const struct field *f = t->field;
	const struct reader *r = f->source == SOURCE_READ ? reader_of(f) : NULL;
	struct bpf_asm *a = e->a;

	if (f->source == SOURCE_HAS) {
		bpf_jump_if_imm(a, BPF_JSET, FLAGS, 1 << f->has,
				set_has(&t->set, 1) ? to->in : to->out);
		bpf_jump(a, set_has(&t->set, 0) ? to->in : to->out);
		return;
	}
	if (f->needs != HEADER_NONE) {
		unsigned is_there = bpf_asm_label(a);

		bpf_jump_if_imm(a, BPF_JSET, FLAGS, 1 << f->needs, is_there);
		bpf_jump(a, to->absent);
		bpf_asm_bind(a, is_there);
	}
	if (f->read_text) {
		emit_names(e, t, to);
		return;
	}
	if (f->source == SOURCE_HEADER)
		emit_header_field(e, f);
	else if (r)
		r->emit(e);
	else
		emit_item(e, t, to->absent);
	if (t->set.count)
		emit_search(e, f, t->set.ranges, t->set.count, to);
	else
		bpf_jump(a, to->out);
}

static unsigned label_of(const struct emitter *e, const unsigned *labels, int32_t target)
{
	if (target >= 0)
		return labels[target];
	return target == TARGET_ACCEPT ? e->accept : e->reject;
}

static int emit_graph(struct emitter *e, const struct graph *g, struct pool *pool,
		      bool *is_exact)
{
	unsigned *labels = pool_new(pool, g->count, sizeof *labels);

	if (!labels)
		return WEIR_ERR_NO_MEMORY;
	bpf_emit_parser(e);
	for (size_t i = 0; i < g->count; i++)
		labels[i] = bpf_asm_label(e->a);
	bpf_jump(e->a, label_of(e, labels, g->entry));
	for (size_t i = 0; i < g->count; i++) {
		const struct vertex *v = &g->vertices[i];
		struct exits to = { label_of(e, labels, v->next[OUTCOME_IN]),
				    label_of(e, labels, v->next[OUTCOME_OUT]),
				    label_of(e, labels, v->next[OUTCOME_ABSENT]) };

		bpf_asm_bind(e->a, labels[i]);
		if (is_unknown(v->test.field, e->env)) { /* of an object */
			bpf_jump(e->a, e->accept);
			*is_exact = false;
		} else {
			emit_test(e, &v->test, &to);
		}
	}
	return 0;
}

/* What the instructions will be at most. */
static size_t count_insns(const struct graph *g)
{
	size_t n = INSNS_PARSER;

	for (size_t i = 0; i < g->count; i++) {
		const struct test *t = &g->vertices[i].test;

		n += 40 + t->set.count * (t->field->bits == 128 ? 24 : 6);
	}
	return n;
}

/* The filter as far as the kernel can see. */
static int lower_for_kernel(const struct filter *f, const struct filter_bpf_env *env,
			    struct graph *g, struct strings *strings, struct pool *pool,
			    bool *is_exact)
{
	struct horizon horizon = { .is_unknown = is_unknown, .context = env };
	struct expression *e;

	*is_exact = true;
	if (!f->folded) {
		*g = f->graph;
		return 0;
	}
	e = lower(f->folded, strings, pool, &horizon);
	if (!e || !graph_of_expression(g, e, pool))
		return WEIR_ERR_NO_MEMORY;
	g->layer = f->layer;
	*is_exact = !horizon.dropped;
	return graph_simplify(g, pool) ? 0 : WEIR_ERR_NO_MEMORY;
}

int filter_bpf_emit(const struct filter *f, const struct filter_bpf_env *env,
		    struct bpf_asm *a, unsigned accept, unsigned reject, bool *is_exact,
		    struct weir_error *err)
{
	struct strings strings = { NULL, 0, 0 };
	struct emitter e = { .a = a,
			     .env = env,
			     .strings = &strings,
			     .accept = accept,
			     .reject = reject };
	struct graph g;
	struct pool pool;
	int rc;

	if (f->layer > FILTER_FORWARD)
		return err_set(err, WEIR_ERR_UNSUPPORTED,
			       "a filter of the %s layer has no packets for the kernel",
			       filter_layer_name(f->layer));
	/* What the kernel cannot know may leave a test in its graph where there is none. */
	if (filter_is_true(f)) {
		*is_exact = true;
		bpf_jump(a, accept);
		return 0;
	}
	pool_init(&pool);
	rc = lower_for_kernel(f, env, &g, &strings, &pool, is_exact);
	if (!rc && count_insns(&g) + a->count > INSNS_MAX) {
		*is_exact = false;
		bpf_jump(a, accept);
	} else if (!rc) {
		rc = emit_graph(&e, &g, &pool, is_exact);
	}
	pool_fini(&pool);
	return rc ? err_set(err, rc, "no memory for a filter program") : 0;
}
