#include "agent/authority.h"

#include "agent/call.h"
#include "agent/pairing.h"
#include "base/mem.h"
#include "port/port.h"

#include <string.h>

enum {
	ARGUMENTS_MAX = 4096, /* longer ones are in the log by their hash only */
	MESSAGE_MAX = 300,
};

/* A call that is allowed and open: stands between the plugin and the transport's sink. */
struct watched {
	struct watched *next, **at;
	struct authority *authority;
	struct call_sink sink;
	void *sink_data;
	char seat[SEAT_NAME];
	uint64_t seq, items;
	int64_t begin_ns;
};

static void set_text(json_t *o, const char *name, const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	/* Not UTF-8: it came past the transports, and is said to be so. */
	json_object_set_new(o, name,
			    value  ? value
			    : text ? json_string("(not text)")
				   : json_null());
}

/* How much of a text fits without a part of a character at its end, which would be no text. */
static int whole_characters(const char *text, size_t most)
{
	size_t n = strnlen(text, most);

	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return (int)n;
}

static void log_failure(struct authority *a, const struct weir_error *err)
{
	agent_log(a->c.log, LOG_ERROR, "audit", "%s", err->text);
}

/* Arguments as they are where they are short, always their hash. */
static void set_arguments(json_t *o, const json_t *arguments)
{
	size_t n = arguments
			   ? json_dumpb(arguments, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS)
			   : 0;
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX], *text;

	if (!n)
		return;
	text = mem_new(n, 1);
	if (text && json_dumpb(arguments, text, n, JSON_COMPACT | JSON_SORT_KEYS) == n &&
	    !hash_once(text, n, digest)) {
		hash_hex(digest, hex);
		set_text(o, "arguments_sha256", hex);
	}
	mem_free(text);
	json_object_set_new(o, "arguments_bytes", json_integer((json_int_t)n));
	if (n <= ARGUMENTS_MAX)
		json_object_set_new(o, "arguments", json_deep_copy(arguments));
}

static void set_caller(json_t *o, const struct caller *caller)
{
	set_text(o, "caller", caller->name);
	set_text(o, "transport", caller->transport);
	set_text(o, "address", caller->address);
}

struct decision {
	bool is_allowed;
	int code;
	enum agent_role has, needs;
	char reason[MESSAGE_MAX];
};

static void refuse(struct decision *d, int code, const char *reason)
{
	d->is_allowed = false;
	d->code = code;
	(void)snprintf(d->reason, sizeof d->reason, "%s", reason);
}

static enum agent_role role_of(const struct caller *caller, const char *plugin)
{
	for (size_t i = 0; i < caller->role_count; i++)
		if (!strcmp(caller->roles[i].plugin, plugin))
			return caller->roles[i].role;
	return caller->role;
}

static struct decision decide(struct authority *a, const struct caller *caller,
			      const char *plugin, const char *directive)
{
	const struct own_directive *own = own_find(plugin, directive);
	struct decision d = { .is_allowed = true };
	bool is_there = true;

	d.has = role_of(caller, plugin);
	if (own)
		d.needs = own->role;
	else
		is_there = dispatch_role(a->dispatch, plugin, directive, &d.needs);
	/* Who may do nothing is not told what there is. */
	if (d.has == ROLE_NONE)
		refuse(&d, CALL_REFUSED, "no role for this plugin");
	else if (!is_there)
		refuse(&d, CALL_UNKNOWN, "there is no such directive");
	else if (d.has < d.needs) {
		(void)snprintf(d.reason, sizeof d.reason,
			       "needs the role %s, the caller has %s", role_name(d.needs),
			       role_name(d.has));
		d.is_allowed = false;
		d.code = CALL_REFUSED;
	}
	return d;
}

static int log_request(struct authority *a, const struct caller *caller,
		       const char *plugin, const char *directive, const json_t *arguments,
		       const struct decision *d, uint64_t *seq, struct weir_error *err)
{
	json_t *o = json_pack("{s:b,s:o?}", "allowed", (int)d->is_allowed, "reason",
			      d->is_allowed ? NULL : json_string(d->reason));

	set_caller(o, caller);
	set_text(o, "plugin", plugin);
	set_text(o, "directive", directive);
	set_text(o, "role", role_name(d->has));
	set_arguments(o, arguments);
	return audit_write(a->audit, "request", o, seq, err);
}

static void log_outcome(struct authority *a, uint64_t seq, const char *result, int code,
			const char *message, uint64_t items, int64_t begin_ns)
{
	struct weir_error err;
	char text[MESSAGE_MAX];
	json_t *o = json_pack("{s:I,s:s,s:I,s:I}", "request_seq", (json_int_t)seq,
			      "result", result, "items", (json_int_t)items, "duration_ns",
			      (json_int_t)(port_monotonic_ns() - begin_ns));

	if (code) {
		(void)snprintf(text, sizeof text, "%.*s", whole_characters(message, 290),
			       message);
		json_object_set_new(o, "code", json_integer(code));
		set_text(o, "message", text);
	}
	if (audit_write(a->audit, "outcome", o, NULL, &err))
		log_failure(a, &err);
}

static void end_watched(struct watched *w, const char *result, int code,
			const char *message)
{
	struct authority *a = w->authority;
	struct seat *seat = seats_take(&a->seats, w->seat, port_monotonic_ns());

	if (seat && seat->calls)
		seat->calls--;
	log_outcome(a, w->seq, result, code, message, w->items, w->begin_ns);
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	mem_free(w);
}

static bool on_item(void *data, json_t *item)
{
	struct watched *w = data;

	w->items++;
	return w->sink.item(w->sink_data, item);
}

static void on_progress(void *data, json_t *progress)
{
	struct watched *w = data;

	if (w->sink.progress)
		w->sink.progress(w->sink_data, progress);
}

static void on_done(void *data, json_t *result)
{
	struct watched *w = data;
	struct call_sink sink = w->sink;
	void *sink_data = w->sink_data;

	end_watched(w, "done", 0, "");
	sink.done(sink_data, result);
}

static void on_failed(void *data, int code, const char *message, json_t *more)
{
	struct watched *w = data;
	struct call_sink sink = w->sink;
	void *sink_data = w->sink_data;

	end_watched(w, "failed", code, message);
	sink.failed(sink_data, code, message, more);
}

static void on_gone(void *data)
{
	struct watched *w = data;
	struct call_sink sink = w->sink;
	void *sink_data = w->sink_data;

	end_watched(w, "cancelled", 0, "");
	if (sink.gone)
		sink.gone(sink_data);
}

static const struct call_sink watching = { on_item, on_progress, on_done, on_failed,
					   on_gone };

/* An outcome that is known at once; told from the loop, as all are. */
static int answer(struct authority *a, const struct call_sink *sink, void *sink_data,
		  int code, const char *message, json_t *result, struct call **call)
{
	*call = call_new(a->base, sink, sink_data);
	if (!*call)
		return WEIR_ERR_NO_MEMORY;
	if (code)
		call_fail(*call, code, message, result);
	else
		call_finish(*call, result);
	return 0;
}

static int run_own(struct authority *a, const struct own_directive *own,
		   const struct caller *caller, json_t *arguments, uint64_t seq,
		   const struct call_sink *sink, void *sink_data, struct call **call)
{
	struct weir_error err = { 0 };
	int64_t begin = port_monotonic_ns();
	int code = 0, rc;
	json_t *result = own_run(own, a, caller, arguments, &code, &err);

	if (result)
		code = 0;
	log_outcome(a, seq, code ? "failed" : "done", code, err.text, 0, begin);
	rc = answer(a, sink, sink_data, code, err.text, result, call);
	json_decref(result);
	return rc;
}

/* What stands between a plugin's answers and whoever asked; NULL: no memory. */
static struct watched *watch(struct authority *a, struct seat *seat, uint64_t seq,
			     const struct call_sink *sink, void *sink_data)
{
	struct watched *w = mem_new(1, sizeof *w);

	if (!w)
		return NULL;
	*w = (struct watched){ .next = a->watched,
			       .at = &a->watched,
			       .authority = a,
			       .sink = *sink,
			       .sink_data = sink_data,
			       .seq = seq,
			       .begin_ns = port_monotonic_ns() };
	(void)snprintf(w->seat, sizeof w->seat, "%s", seat->name);
	if (w->next)
		w->next->at = &w->next;
	a->watched = w;
	seat->calls++;
	return w;
}

/* Said once when it begins, and how often when it is over. */
static bool is_too_often(struct authority *a, struct seat *seat,
			 const struct caller *caller)
{
	if (seat &&
	    bucket_take(&seat->requests, a->c.config->requests_key, port_monotonic_ns()))
		return false;
	audit_notes_add(&a->notes, "refused", "more requests than the rate allows",
			caller->address, caller->name, port_monotonic_ns());
	return true;
}

/* Only of a call that is allowed: who is refused takes no place. */
static uint64_t take_session(struct authority *a, struct seat *seat,
			     const struct caller *caller)
{
	uint64_t ended, id;

	if (!caller->session_name)
		return caller->session;
	id = seat_session(seat, caller->session_name, port_monotonic_ns(), &ended);
	if (ended)
		dispatch_session_end(a->dispatch, ended);
	return id;
}

static int authorize(void *self, const struct caller *caller, const char *plugin,
		     const char *directive, json_t *arguments,
		     const struct call_sink *sink, void *sink_data, struct call **call)
{
	struct authority *a = self;
	struct seat *seat = seats_take(&a->seats, caller->name, port_monotonic_ns());
	const struct own_directive *own = own_find(plugin, directive);
	struct caller known = *caller;
	struct weir_error err = { 0 };
	struct watched *w;
	struct decision d;
	uint64_t seq;
	int rc;

	if (is_too_often(a, seat, caller))
		return answer(a, sink, sink_data, CALL_BUSY,
			      "more requests than the rate allows", NULL, call);
	d = decide(a, caller, plugin, directive);
	if (d.is_allowed && seat->calls >= a->c.config->max_calls_key)
		refuse(&d, CALL_BUSY, "too many calls at a time");
	if (log_request(a, caller, plugin, directive, arguments, &d, &seq, &err)) {
		log_failure(a, &err);
		return answer(a, sink, sink_data, CALL_UNAVAILABLE,
			      "the audit log cannot be written, so nothing is done", NULL,
			      call);
	}
	if (!d.is_allowed)
		return answer(a, sink, sink_data, d.code, d.reason, NULL, call);
	if (own)
		return run_own(a, own, caller, arguments, seq, sink, sink_data, call);
	w = watch(a, seat, seq, sink, sink_data);
	if (!w)
		return WEIR_ERR_NO_MEMORY;
	known.session = take_session(a, seat, caller);
	rc = dispatch_call(a->dispatch, &known, plugin, directive, arguments, &watching,
			   w, call);
	if (rc)
		end_watched(w, "failed", CALL_INTERNAL, "no memory for the call");
	return rc;
}

struct gate authority_gate(struct authority *a)
{
	return (struct gate){ .call = authorize, .self = a };
}

static void tell_note(void *data, const struct note *n, uint64_t count)
{
	struct authority *a = data;
	struct weir_error err;
	json_t *o = json_object();

	set_text(o, "reason", n->reason);
	set_text(o, "address", n->address[0] ? n->address : NULL);
	set_text(o, "caller", n->caller[0] ? n->caller : NULL);
	json_object_set_new(o, "count", json_integer((json_int_t)count));
	if (audit_write(a->audit, n->type, o, NULL, &err))
		log_failure(a, &err);
}

void authority_note(struct authority *a, const char *type, const char *reason,
		    const char *address, const char *caller)
{
	audit_notes_add(&a->notes, type, reason, address, caller, port_monotonic_ns());
}

static void choose_name(struct authority *a)
{
	struct port_identity id;

	(void)snprintf(a->name, sizeof a->name, "%s", a->c.config->name);
	if (a->name[0])
		return;
	port_identity(&id);
	(void)snprintf(a->name, sizeof a->name, "%.63s", id.host);
	if (!is_plain_name(a->name, sizeof a->name - 1))
		(void)snprintf(a->name, sizeof a->name, "agent");
}

int authority_new(struct authority **out, struct dispatch *d, struct event_base *base,
		  const struct authority_config *config, struct weir_error *err)
{
	struct authority *a = mem_new(1, sizeof *a);
	char hex[PIN_HEX] = "";
	json_t *start;
	int rc;

	*out = NULL;
	if (!a)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the authority");
	a->c = *config;
	a->dispatch = d;
	a->base = base;
	a->notes.tell = tell_note;
	a->notes.data = a;
	choose_name(a);
	if (config->pin)
		pin_hex(config->pin, hex);
	start = json_pack("{s:s,s:s}", "agent", a->name, "pin", hex);
	rc = controllers_open(&a->controllers, config->dir_fd, err);
	if (!rc)
		rc = audit_open(&a->audit, config->dir_fd, start, err);
	json_decref(start);
	if (rc)
		authority_free(a);
	else
		*out = a;
	return rc;
}

void authority_free(struct authority *a)
{
	if (!a)
		return;
	while (a->watched) {
		struct watched *w = a->watched;

		a->watched = w->next;
		mem_free(w);
	}
	if (a->audit)
		audit_notes_flush(&a->notes, 0, 1);
	audit_close(a->audit);
	controllers_fini(&a->controllers);
	mem_free(a);
}

void authority_on_change(struct authority *a, void (*changed)(void *data), void *data)
{
	a->changed = changed;
	a->changed_data = data;
}

void authority_changed(struct authority *a)
{
	if (a->changed)
		a->changed(a->changed_data);
}

static void refresh(struct authority *a)
{
	struct weir_error err = { 0 };
	bool is_changed = false;

	if (controllers_refresh(&a->controllers, &is_changed, &err))
		agent_log(a->c.log, LOG_ERROR, "agent",
			  "%s: nobody may call over the network", err.text);
	if (is_changed)
		authority_changed(a);
}

void authority_tick(struct authority *a)
{
	int64_t now = port_monotonic_ns();
	uint64_t session;

	refresh(a);
	audit_notes_flush(&a->notes, now, 0);
	while ((session = seats_idle_session(&a->seats, now)) != 0)
		dispatch_session_end(a->dispatch, session);
	audit_sync(a->audit);
}

const struct controller *authority_find(struct authority *a, const struct pin *pin,
					bool *is_revoked)
{
	const struct controller *one;

	refresh(a);
	one = controllers_by_pin(&a->controllers, pin);
	*is_revoked = one && one->revoked_ns;
	return *is_revoked ? NULL : one;
}

bool authority_is_pairing(const struct authority *a)
{
	return a->c.pin && pairing_is_open(a->c.dir_fd, port_realtime_ns());
}

static bool read_token(const char *hex, uint8_t token[PAIRING_TOKEN])
{
	/* A pin is twice as long as a token. */
	char both[PIN_HEX];
	struct pin p;

	if (strlen(hex) != (size_t)2 * PAIRING_TOKEN)
		return false;
	(void)snprintf(both, sizeof both, "%s%s", hex, hex);
	if (!pin_from_hex(both, &p))
		return false;
	memcpy(token, p.bytes, PAIRING_TOKEN);
	return true;
}

static int redeem(struct authority *a, const struct pin *pin, const char *name,
		  const char *token_hex, struct controller *made, struct weir_error *err)
{
	uint8_t token[PAIRING_TOKEN];
	const struct controller *same = controllers_by_pin(&a->controllers, pin);
	int rc;

	memset(made, 0, sizeof *made);
	if (!is_plain_name(name, CONTROLLER_NAME - 1))
		return err_set(err, WEIR_ERR_USAGE, "'%.*s' is no name for a controller",
			       whole_characters(name, 64), name);
	if (!read_token(token_hex, token))
		return err_set(err, WEIR_ERR_USAGE, "a token is %d hex digits",
			       2 * PAIRING_TOKEN);
	/* Before the code is used up. */
	if (same)
		return err_set(err, WEIR_ERR_EXISTS, "the key is known%s",
			       same->revoked_ns ? " and was revoked" : " already");
	rc = pairing_redeem(a->c.dir_fd, token, port_realtime_ns(), &made->grants, err);
	if (rc)
		return rc;
	(void)snprintf(made->name, sizeof made->name, "%s", name);
	made->pin = *pin;
	made->added_ns = port_realtime_ns();
	/* A name that is taken gets a number: the code is used up, the stranger came rightly. */
	for (unsigned i = 2; i < 100; i++) {
		rc = controllers_add(&a->controllers, made, err);
		if (rc != WEIR_ERR_EXISTS)
			break;
		(void)snprintf(made->name, sizeof made->name, "%.58s-%u", name, i);
	}
	return rc;
}

int authority_pair(struct authority *a, const char *address, const struct pin *pin,
		   const char *name, const char *token_hex, struct controller *made,
		   struct weir_error *err)
{
	struct weir_error why = { 0 }, log = { 0 };
	int rc = redeem(a, pin, name, token_hex, made, &why);
	char hex[PIN_HEX];
	json_t *o;

	pin_hex(pin, hex);
	o = json_pack("{s:b,s:s,s:s,s:s,s:s,s:o}", "allowed", rc == 0, "transport",
		      "https", "address", address, "pin", hex, "name",
		      rc ? "" : made->name, "roles",
		      rc ? json_null() : grants_to_json(&made->grants));
	set_text(o, "reason", rc ? why.text : NULL);
	if (audit_write(a->audit, "pairing", o, NULL, &log)) {
		log_failure(a, &log);
		if (!rc &&
		    controllers_revoke(&a->controllers, pin, port_realtime_ns(), &why))
			log_failure(a, &why);
		return err_set(err, WEIR_ERR_SYSTEM,
			       "the audit log cannot be written, so nothing is done");
	}
	return rc ? err_set(err, (enum weir_err)rc, "%s", why.text) : 0;
}

json_t *authority_describe(const struct authority *a)
{
	json_t *all = dispatch_describe(a->dispatch);

	own_describe(all);
	return all;
}

const char *authority_name(const struct authority *a)
{
	return a->name;
}
