/* What the words of `weir ctl` share: which agent, the connection, asking and printing. */
#ifndef WEIR_CLI_CTL_H
#define WEIR_CLI_CTL_H

#include "agent/agents.h"
#include "agent/client.h"
#include "cli/cli.h"

#include <jansson.h>

#define CTL_KEY "controller"

struct ctl {
	/* Options. */
	const char *agent, *socket, *directory, *session, *name, *as;
	int64_t connect_ns;
	bool json, quiet, help;

	int dir_fd; /* -1: not opened yet */
	struct agents agents;
	bool has_key;
	struct keypair key;
	struct port_stop stop;
	struct client *client;
};

/* One answer, as it comes: items, then one of result and error. */
struct ctl_answer {
	struct ctl *ctl;
	/* NULL: print it.  Takes nothing. */
	void (*item)(struct ctl_answer *a, const json_t *item);
	bool prints; /* items and result go to standard output */
	json_t *result, *error;
	bool has_status_line; /* a progress line stands on the terminal */
	bool has_lost;
};

/* The controller's directory, its list of agents, and its key (made where `makes_key`). */
int ctl_open_directory(struct ctl *c, bool makes_key, struct weir_error *err) MUST_CHECK;
/* Connects to the agent that the options mean. */
int ctl_connect(struct ctl *c, struct weir_error *err) MUST_CHECK;
void ctl_close(struct ctl *c);

/* Asks; negative where no answer came.  The answer's result and error are the caller's
 * (ctl_answer_fini). */
int ctl_ask(struct ctl *c, bool is_post, const char *target, const json_t *body,
	    struct ctl_answer *a, struct weir_error *err) MUST_CHECK;
void ctl_answer_fini(struct ctl_answer *a);
/* The exit code of an answer; tells errors on standard error. */
int ctl_exit(const struct ctl_answer *a);
/* Asks and prints. */
int ctl_simple(struct ctl *c, const char *plugin, const char *directive, json_t *body,
	       struct weir_error *err);

/* ctl_print.c */
void ctl_print_item(const json_t *item);
void ctl_print_value(const json_t *value);
/* Control characters cannot reach a terminal. */
void ctl_print_text(FILE *out, const char *text);
void ctl_print_description(const json_t *description, const char *plugin,
			   const char *directive);

/* The words, each in its file. */
int ctl_pair(struct ctl *c, int argc, char **argv, struct weir_error *err);
int ctl_call(struct ctl *c, int argc, char **argv, struct weir_error *err);
int ctl_stream(struct ctl *c, int argc, char **argv, struct weir_error *err);
int ctl_completion(struct ctl *c, int argc, char **argv, struct weir_error *err);
int ctl_complete(struct ctl *c, int argc, char **argv, struct weir_error *err);
/* The names of the words, for completion; NULL behind the last. */
const char *ctl_word(size_t n);

#endif
