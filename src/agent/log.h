/* Where the agent's talk goes: only src/cli prints.  Threads: the event loop's. */
#ifndef WEIR_AGENT_LOG_H
#define WEIR_AGENT_LOG_H

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR
};

struct agent_log {
	/* subject: "agent", or a plugin's name.  One line of text, without its newline; what came
	 * from a plugin has its control bytes replaced. */
	void (*line)(void *data, enum log_level level, const char *subject,
		     const char *text);
	void *data;
};

void agent_log(const struct agent_log *log, enum log_level level, const char *subject,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
