#include "filter/lex.h"

#include "base/compiler.h"
#include <assert.h>

#define WINDIVERT_TOKENS 1278 /* the end among them */
#define TOKENS_MAX       200000
#define WINDIVERT_WORD   40 /* a word of so many bytes is too long */

static const char bad_token[] = "Filter expression contains a bad token";
static const char bad_for_layer[] = "Filter expression contains a bad token for layer";
static const char too_long[] = "Filter expression too long";

struct lexer {
	const char *text;
	size_t at;
	enum filter_layer layer;
	unsigned flags;
	struct pool *pool;
	struct token *tokens;
	size_t count, capacity;
	struct filter_error *error;
};

static bool is_windivert(const struct lexer *l)
{
	return l->flags & FILTER_WINDIVERT;
}

static int fail(struct lexer *l, size_t at, size_t length, const char *windivert_text,
		uint32_t windivert_at)
{
	struct filter_error *e = l->error;

	e->code = WEIR_ERR_USAGE;
	e->at = at;
	e->length = length;
	e->windivert_text = windivert_text;
	e->windivert_at = windivert_at;
	return e->code;
}

static int fail_memory(struct lexer *l)
{
	l->error->code = WEIR_ERR_NO_MEMORY;
	l->error->windivert_text = "Out of memory";
	(void)snprintf(l->error->found, sizeof l->error->found, "no memory");
	return l->error->code;
}

static int push(struct lexer *l, struct token t)
{
	if (l->count == l->capacity) {
		size_t more = l->capacity ? l->capacity * 2 : 32;
		struct token *p = pool_new(l->pool, more, sizeof *p);

		if (!p)
			return fail_memory(l);
		if (l->count)
			memcpy(p, l->tokens, l->count * sizeof *p);
		l->tokens = p;
		l->capacity = more;
	}
	l->tokens[l->count++] = t;
	return 0;
}

/* One of the fixed tokens, of `length` bytes at the present place. */
static int push_mark(struct lexer *l, enum token_kind kind, size_t length)
{
	uint32_t at = (uint32_t)l->at;

	l->at += length;
	return push(l, (struct token){ .kind = kind,
				       .at = at,
				       .length = (uint32_t)length,
				       .windivert_at = at });
}

static const struct mark {
	const char *text;
	enum token_kind kind;
	bool is_ours;
} marks[] = {
	/* Longer ones before their beginnings. */
	{ "==", TOKEN_EQ, false },        { "=", TOKEN_EQ, false },
	{ "!=", TOKEN_NE, false },        { "!", TOKEN_NOT, false },
	{ "<=", TOKEN_LE, false },        { "<", TOKEN_LT, false },
	{ ">=", TOKEN_GE, false },        { ">", TOKEN_GT, false },
	{ "&&", TOKEN_AND, false },       { "||", TOKEN_OR, false },
	{ "(", TOKEN_OPEN, false },       { ")", TOKEN_CLOSE, false },
	{ "[", TOKEN_INDEX_OPEN, false }, { "]", TOKEN_INDEX_CLOSE, false },
	{ "-", TOKEN_MINUS, false },      { "?", TOKEN_QUESTION, false },
	{ "{", TOKEN_SET_OPEN, true },    { "}", TOKEN_SET_CLOSE, true },
	{ ",", TOKEN_COMMA, true },       { "/", TOKEN_SLASH, true },
	{ "..", TOKEN_RANGE, true },
};

static const struct mark *find_mark(const struct lexer *l)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (!strncmp(l->text + l->at, marks[i].text, strlen(marks[i].text)))
			return marks[i].is_ours && is_windivert(l) ? NULL : &marks[i];
	return NULL;
}

static bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '.' || c == ':' || c == '_';
}

/* The longest run of word bytes; in our grammar ".." is no part of a word. */
static size_t word_length(const struct lexer *l)
{
	const char *w = l->text + l->at;
	size_t n = 0;

	while (is_word_byte(w[n]) && (is_windivert(l) || w[n] != '.' || w[n + 1] != '.'))
		n++;
	return n;
}

/* What may stand behind the last token, where that is plain; else "". */
static const char *expected_behind(const struct lexer *l)
{
	enum token_kind last = l->count ? l->tokens[l->count - 1].kind : TOKEN_END;
	size_t i = l->count;

	if (last == TOKEN_INDEX_OPEN)
		return "an index, such as 0, -4 or 6b";
	if (last == TOKEN_SLASH)
		return "a prefix length";
	if ((last < TOKEN_EQ || last > TOKEN_GE) && last != TOKEN_MINUS &&
	    last != TOKEN_SET_OPEN && last != TOKEN_COMMA && last != TOKEN_RANGE)
		return "";
	while (i && l->tokens[i - 1].kind != TOKEN_FIELD)
		i--;
	return i && field_is_text(l->tokens[i - 1].field) ? "a string in double quotes"
							  : "a number or an address";
}

static int bad_word(struct lexer *l, size_t length, uint32_t windivert_at)
{
	struct filter_error *e = l->error;
	const char *word = l->text + l->at;

	(void)snprintf(e->found, sizeof e->found, "unknown word '%.*s'",
		       (int)(length < 60 ? length : 60), word);
	if (length < 60)
		suggest(word, length, l->layer, e->hint, sizeof e->hint);
	(void)snprintf(e->expected, sizeof e->expected, "%s", expected_behind(l));
	return fail(l, l->at, length, bad_token, windivert_at);
}

static int bad_layer(struct lexer *l, const struct field *f, uint32_t windivert_at)
{
	struct filter_error *e = l->error;
	char at[64] = "";
	size_t n = 0;

	for (int i = 0; i < FILTER_LAYERS; i++)
		if (field_is_at(f, (enum filter_layer)i))
			n += (size_t)snprintf(at + n, sizeof at - n, "%s%s",
					      n ? ", " : "",
					      filter_layer_name((enum filter_layer)i));
	(void)snprintf(e->found, sizeof e->found, "'%s' does not exist at the %s layer",
		       f->name, filter_layer_name(l->layer));
	(void)snprintf(e->hint, sizeof e->hint, "it does at: %s", at);
	return fail(l, l->at, strlen(f->name), bad_for_layer, windivert_at);
}

/* Words that WinDivert takes for something else than they say.  Refused: a filter that was
 * written so was never right. */
static int refuse(struct lexer *l, size_t length, const char *flaw)
{
	(void)snprintf(l->error->found, sizeof l->error->found, "'%.*s': %s",
		       (int)(length < 60 ? length : 60), l->text + l->at, flaw);
	return fail(l, l->at, length, bad_token, (uint32_t)l->at);
}

static int push_value(struct lexer *l, enum token_kind kind, size_t length, u128 value,
		      enum literal_form form)
{
	int rc = push_mark(l, kind, length);

	if (rc)
		return rc;
	l->tokens[l->count - 1].value = value;
	l->tokens[l->count - 1].form = form;
	return 0;
}

static int lex_number(struct lexer *l, size_t length, uint32_t windivert_at)
{
	const char *word = l->text + l->at, *flaw;
	enum literal_form form;
	u128 v;
	int rc;

	if (word[length - 1] == 'b' && literal_parse_decimal(word, length - 1, &v)) {
		rc = push_value(l, TOKEN_NUMBER, length - 1, v, LITERAL_NUMBER);
		if (!rc)
			rc = push_mark(l, TOKEN_BYTES, 1);
		if (!rc) /* it never sets this token's place */
			l->tokens[l->count - 1].windivert_at = 0;
		return rc;
	}
	form = literal_parse(word, length, &v, &flaw);
	if (form == LITERAL_NONE)
		return bad_word(l, length, windivert_at);
	if (flaw && !is_windivert(l))
		return refuse(l, length, flaw);
	return push_value(l, TOKEN_NUMBER, length, v, form);
}

static bool is_word(const char *word, size_t length, const char *what)
{
	return strlen(what) == length && !memcmp(word, what, length);
}

static int classify(struct lexer *l, size_t length, uint32_t windivert_at)
{
	const char *word = l->text + l->at;
	const struct field *f = field_find(word, length);
	bool is_legal;
	u128 value;

	if (f && !(f->layers || !is_windivert(l)))
		f = NULL;
	if (f) {
		bool is_here = is_windivert(l) ? f->layers >> l->layer & 1
					       : field_is_at(f, l->layer);
		int rc;

		if (!is_here)
			return bad_layer(l, f, windivert_at);
		rc = push_mark(l, TOKEN_FIELD, length);
		if (!rc) {
			assert(l->tokens); /* pushing it made room */
			l->tokens[l->count - 1].field = f;
		}
		return rc;
	}
	if (is_word(word, length, "and"))
		return push_mark(l, TOKEN_AND, length);
	if (is_word(word, length, "or"))
		return push_mark(l, TOKEN_OR, length);
	if (is_word(word, length, "not"))
		return push_mark(l, TOKEN_NOT, length);
	if (is_word(word, length, "in") && !is_windivert(l))
		return push_mark(l, TOKEN_IN, length);
	if (macro_find(word, length, l->layer, &value, &is_legal))
		return push_value(l, is_legal ? TOKEN_NUMBER : TOKEN_MACRO, length, value,
				  LITERAL_NUMBER);
	if (is_word(word, length, "b")) {
		if (!is_windivert(l))
			return refuse(l, length,
				      "a 'b' must follow its number at once, as in '4b'");
		l->at += length;
		return 0;
	}
	return lex_number(l, length, windivert_at);
}

static int lex_word(struct lexer *l)
{
	const char *word = l->text + l->at;
	size_t length = word_length(l);
	uint32_t at = (uint32_t)l->at;

	if (length >= WINDIVERT_WORD && is_windivert(l))
		return bad_word(l, length, at);
	/* One colon at the end is a ternary's. */
	if (length > 1 && word[length - 1] == ':' && word[length - 2] != ':') {
		length--;
		at--;
	}
	return classify(l, length, at);
}

static bool is_escape(const char *s)
{
	return *s == '\\' && (s[1] == '"' || s[1] == '\\');
}

/* "..." with \" and \\ for a quote and a backslash. */
static int lex_string(struct lexer *l)
{
	const char *s = l->text + l->at + 1;
	size_t n = 0, i = 0, length = 0;
	char *copy;
	int rc;

	while (s[length] && s[length] != '"')
		length += is_escape(s + length) ? 2 : 1;
	if (!s[length]) {
		(void)snprintf(l->error->found, sizeof l->error->found,
			       "a string that does not end");
		(void)snprintf(l->error->expected, sizeof l->error->expected, "'\"'");
		return fail(l, l->at, 1, bad_token, (uint32_t)l->at + 1);
	}
	/* No more than it needs: a filter may have as many strings as it has room for. */
	copy = pool_new(l->pool, length + 1, 1);
	if (!copy)
		return fail_memory(l);
	while (i < length) {
		i += is_escape(s + i);
		copy[n++] = s[i++];
	}
	rc = push_mark(l, TOKEN_STRING, length + 2);
	if (!rc) {
		assert(l->tokens); /* pushing it made room */
		l->tokens[l->count - 1].string = copy;
	}
	return rc;
}

static int bad_byte(struct lexer *l, const char *hint)
{
	struct filter_error *e = l->error;
	unsigned char c = (unsigned char)l->text[l->at];

	if (c > ' ' && c < 127)
		(void)snprintf(e->found, sizeof e->found, "unexpected '%c'", c);
	else
		(void)snprintf(e->found, sizeof e->found, "unexpected byte 0x%02x", c);
	(void)snprintf(e->hint, sizeof e->hint, "%s", hint);
	return fail(l, l->at, 1, bad_token, (uint32_t)l->at + 1);
}

static void skip_blanks(struct lexer *l)
{
	for (;;) {
		l->at += strspn(l->text + l->at, " \t\n\r\f\v");
		if (l->text[l->at] != '#' || !(l->flags & FILTER_COMMENTS))
			return;
		l->at += strcspn(l->text + l->at, "\n");
	}
}

static int lex_one(struct lexer *l)
{
	const char *s = l->text + l->at;
	const struct mark *m = find_mark(l);

	if (m)
		return push_mark(l, m->kind, strlen(m->text));
	if (*s == ':' && s[1] != ':')
		return push_mark(l, TOKEN_COLON, 1);
	if (is_word_byte(*s))
		return lex_word(l);
	if (*s == '"' && !is_windivert(l))
		return lex_string(l);
	if (*s == '&' || *s == '|')
		return bad_byte(l,
				*s == '&' ? "did you mean '&&'?" : "did you mean '||'?");
	if (*s == '\'')
		return bad_byte(l, "strings stand in double quotes");
	return bad_byte(l, *s == '#' ? "comments are for filter files" : "");
}

static int fail_long(struct lexer *l, size_t most)
{
	(void)snprintf(l->error->found, sizeof l->error->found,
		       "the filter has more than %zu words and signs", most);
	return fail(l, l->at, 1, too_long, (uint32_t)l->at);
}

int lex(struct lexed *out, struct pool *pool, const char *text, enum filter_layer layer,
	unsigned flags, struct filter_error *error)
{
	struct lexer l = {
		.text = text, .layer = layer, .flags = flags, .pool = pool, .error = error
	};
	size_t most = is_windivert(&l) ? WINDIVERT_TOKENS : TOKENS_MAX;
	int rc = 0;

	do {
		if (l.count >= most)
			return fail_long(&l, most - 1);
		skip_blanks(&l);
		rc = l.text[l.at] ? lex_one(&l) : push_mark(&l, TOKEN_END, 0);
	} while (!rc && (!l.count || l.tokens[l.count - 1].kind != TOKEN_END));
	out->tokens = l.tokens;
	out->count = l.count;
	return rc;
}

void token_describe(const struct token *t, const char *text, char *words, size_t size)
{
	if (t->kind == TOKEN_END)
		(void)snprintf(words, size, "end of the filter");
	else
		(void)snprintf(words, size, "'%.*s'",
			       (int)(t->length < 60 ? t->length : 60), text + t->at);
}
