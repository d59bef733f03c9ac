/* Text to tokens.
 *
 * Calling sequence: lex() once; the tokens live in the pool.  With FILTER_WINDIVERT the rules are
 * exactly WinDivert's; without it the words of our own grammar are tokens too ("{", "}", ",", "..",
 * "/", strings, "in"), and what WinDivert misreads without saying so is refused.
 * Errors go to the filter_error: what a person should know, and what WinDivert would report. */
#ifndef WEIR_FILTER_LEX_H
#define WEIR_FILTER_LEX_H

#include "filter/field.h"
#include "filter/literal.h"
#include "filter/pool.h"

enum token_kind {
	TOKEN_END,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_INDEX_OPEN,
	TOKEN_INDEX_CLOSE,
	TOKEN_MINUS,
	TOKEN_QUESTION,
	TOKEN_COLON,
	TOKEN_NOT,
	TOKEN_AND,
	TOKEN_OR,
	/* In the order of enum op (tree.h). */
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_FIELD,
	TOKEN_NUMBER,
	TOKEN_BYTES, /* the b of "7b" */
	TOKEN_MACRO, /* an event's name at a layer that has no such event */
	/* Ours. */
	TOKEN_SET_OPEN,
	TOKEN_SET_CLOSE,
	TOKEN_COMMA,
	TOKEN_RANGE,
	TOKEN_SLASH,
	TOKEN_STRING,
	TOKEN_IN,
};

struct token {
	enum token_kind kind;
	enum literal_form form; /* of a NUMBER */
	uint32_t at, length;    /* in the text */
	uint32_t windivert_at;  /* where WinDivert says that it is */
	const struct field *field;
	u128 value;
	const char *string; /* of a STRING, unescaped, NUL-terminated, in the pool */
};

struct lexed {
	struct token *tokens; /* ends with TOKEN_END */
	size_t count;
};

int lex(struct lexed *out, struct pool *pool, const char *text, enum filter_layer layer,
	unsigned flags, struct filter_error *error);

/* "'=='", "the number 80", "end of the filter": for messages. */
void token_describe(const struct token *t, const char *text, char *words, size_t size);

/* A macro's value at a layer; false: no macro.  *is_legal is false for an event of another layer. */
bool macro_find(const char *word, size_t length, enum filter_layer layer, u128 *value,
		bool *is_legal);
/* The name of an event or layer number, or NULL; index for suggestions. */
const char *macro_of_event(unsigned event, enum filter_layer layer);
const char *macro_of_layer(unsigned layer);
const char *macro_at(size_t index);

/* What somebody who wrote `word` may have meant, in `hint` (or ""). */
void suggest(const char *word, size_t length, enum filter_layer layer, char *hint,
	     size_t size);

#endif
