/* Completion: a script for the shell, which asks `weir ctl complete` for what may follow. */
#include "agent/arguments.h"
#include "cli/ctl.h"

static const char bash[] =
	"# Completion of weir for bash: weir ctl completion bash >"
	"/etc/bash_completion.d/weir\n"
	"_weir()\n"
	"{\n"
	"\tlocal IFS=$'\\n' word=${COMP_WORDS[COMP_CWORD]}\n"
	"\tlocal before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
	"\t# Bash breaks words at =, which belongs to them here.\n"
	"\tif [[ $word == '=' || ${COMP_WORDS[COMP_CWORD-1]} == '=' ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"${word#=}\"))\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tCOMPREPLY=($(compgen -W \"$(weir ctl complete \"${before[@]}\" 2>/dev/null)\" -- "
	"\"$word\"))\n"
	"\t[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
	"}\n"
	"complete -o default -F _weir weir\n";

int ctl_completion(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	(void)c;
	if (argc != 2 || strcmp(argv[1], "bash") != 0)
		return err_set(err, WEIR_ERR_USAGE, "completion is there for bash");
	(void)fputs(bash, stdout);
	return EXIT_DONE;
}

static void print_names(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(
			json_object_get(json_array_get(list, i), "name"));

		if (name) {
			ctl_print_text(stdout, name);
			(void)putchar('\n');
		}
	}
}

static void print_arguments(const json_t *directive)
{
	const json_t *properties =
		json_object_get(json_object_get(directive, "arguments"), "properties");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)properties, key, value)
	{
		(void)value;
		ctl_print_text(stdout, key);
		(void)printf("=\n");
	}
}

/* Options that say which agent is meant are heeded; the words that are left are moved together. */
static int take_options(struct ctl *c, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **target;
	} all[] = { { "--agent", &c->agent },
		    { "-a", &c->agent },
		    { "--socket", &c->socket },
		    { "--config", &c->directory },
		    { "-c", &c->directory } };

	int words = 0;

	for (int i = 0; i < argc; i++) {
		bool is_taken = false;

		for (size_t k = 0; k < ARRAY_LEN(all) && !is_taken; k++) {
			if (strcmp(argv[i], all[k].name) != 0 || i + 1 >= argc)
				continue;
			*all[k].target = argv[++i];
			is_taken = true;
		}
		if (!is_taken && argv[i][0] != '-')
			argv[words++] = argv[i];
	}
	return words;
}

static void complete_call(struct ctl *c, int count, char **words)
{
	struct ctl_answer a = { .prints = false };
	struct weir_error err = { 0 };

	if (!ctl_connect(c, &err) && !ctl_ask(c, false, "/v1/describe", NULL, &a, &err) &&
	    a.result) {
		if (count == 0)
			print_names(json_object_get(a.result, "plugins"));
		else if (count == 1)
			print_names(json_object_get(describe_plugin(a.result, words[0]),
						    "directives"));
		else
			print_arguments(describe_find(a.result, words[0], words[1]));
	}
	ctl_answer_fini(&a);
}

static void complete_agents(struct ctl *c)
{
	struct weir_error err = { 0 };

	if (ctl_open_directory(c, false, &err))
		return;
	for (size_t i = 0; i < c->agents.count; i++)
		(void)printf("%s\n", c->agents.items[i].name);
}

/* argv: "complete", then the words behind `weir`, without the one that is being typed. */
int ctl_complete(struct ctl *c, int argc, char **argv, struct weir_error *err)
{
	bool is_agent = argc > 1 && (!strcmp(argv[argc - 1], "--agent") ||
				     !strcmp(argv[argc - 1], "-a"));
	int count = take_options(c, argc - 1, argv + 1);
	char **words = argv + 1;

	(void)err;
	if (is_agent || (count >= 2 && !strcmp(words[1], "forget"))) {
		complete_agents(c);
	} else if (count == 0) {
		for (const struct command *one = commands; one->name; one++)
			(void)printf("%s\n", one->name);
	} else if (!strcmp(words[0], "ctl") && count == 1) {
		for (size_t i = 0; ctl_word(i); i++)
			(void)printf("%s\n", ctl_word(i));
	} else if (!strcmp(words[0], "ctl") &&
		   (!strcmp(words[1], "call") || !strcmp(words[1], "describe") ||
		    !strcmp(words[1], "stream"))) {
		complete_call(c, count - 2, words + 2);
	}
	ctl_close(c);
	return EXIT_DONE;
}
