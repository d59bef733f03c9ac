#include "filesystem/when.h"

#include "base/time.h"
#include "filesystem/text.h"

/* The year, month and day of a day since 1970-01-01, in the proleptic Gregorian calendar: years
 * are counted from March in eras of 400 years. */
static uint8_t write_date(int64_t day, char *text)
{
	int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, year;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	unsigned d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
	char *p = text;

	year = (int64_t)yoe + era * 400 + (m <= 2);
	if (year < 0 || year > 9999) {
		*p++ = year < 0 ? '-' : '+';
		p = text_u64(p, year < 0 ? (uint64_t)-year : (uint64_t)year);
	} else {
		p = text_2(p, (unsigned)year / 100);
		p = text_2(p, (unsigned)year % 100);
	}
	*p++ = '-';
	p = text_2(p, m);
	*p++ = '-';
	p = text_2(p, d);
	return (uint8_t)(p - text);
}

char *when_iso(struct when_days *days, char *p, struct file_time t)
{
	int64_t day = t.s / 86400, rest = t.s % 86400;
	unsigned second, slot;

	if (rest < 0) {
		rest += 86400;
		day--;
	}
	second = (unsigned)rest;
	slot = (unsigned)((uint64_t)day % WHEN_SLOTS);
	if (days->day[slot] != day || !days->length[slot]) {
		days->length[slot] = write_date(day, days->text[slot]);
		days->day[slot] = day;
	}
	p = text_bytes(p, days->text[slot], days->length[slot]);
	*p++ = 'T';
	p = text_2(p, second / 3600);
	*p++ = ':';
	p = text_2(p, second / 60 % 60);
	*p++ = ':';
	p = text_2(p, second % 60);
	*p++ = '.';
	p = text_9(p, t.ns);
	*p++ = 'Z';
	return p;
}

char *when_ns(char *p, struct file_time t)
{
	uint64_t s;
	uint32_t ns = t.ns;

	if (t.s >= 0) {
		s = (uint64_t)t.s;
	} else {
		/* -2 s and 0.25 s forward is -1.75 s. */
		s = (uint64_t) - (t.s + 1);
		if (ns)
			ns = 1000000000U - ns;
		else
			s++;
		*p++ = '-';
	}
	if (!s)
		return text_u64(p, ns);
	p = text_u64(p, s);
	return text_9(p, ns);
}

/* -1.75 s is -2 s and 0.25 s forward. */
static bool set_time(struct file_time *t, bool is_negative, uint64_t s, uint32_t ns)
{
	const uint64_t most = (uint64_t)INT64_MAX;

	if (is_negative && ns) {
		s++;
		ns = 1000000000U - ns;
	}
	if (s > most + is_negative)
		return false;
	t->s = is_negative && s ? -(int64_t)(s - 1) - 1 : (int64_t)s;
	t->ns = ns;
	return true;
}

bool when_parse_ns(const char *text, size_t length, struct file_time *t)
{
	bool is_negative = length && *text == '-';
	uint64_t s = 0, ns = 0;
	size_t whole;

	text += is_negative;
	length -= is_negative;
	/* 19 digits of seconds fit an uint64_t, whatever they are. */
	if (!length || length > 28)
		return false;
	whole = length > 9 ? length - 9 : 0;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (digit > 9)
			return false;
		if (i < whole)
			s = s * 10 + digit;
		else
			ns = ns * 10 + digit;
	}
	return set_time(t, is_negative, s, (uint32_t)ns);
}

struct file_time when_of_ns(int64_t ns)
{
	struct file_time t = { .s = ns / NS_PER_S, .ns = 0 };
	int64_t rest = ns % NS_PER_S;

	if (rest < 0) {
		rest += NS_PER_S;
		t.s--;
	}
	t.ns = (uint32_t)rest;
	return t;
}

int64_t when_to_ns(struct file_time t)
{
	if (t.s > INT64_MAX / NS_PER_S - 1)
		return INT64_MAX;
	if (t.s < INT64_MIN / NS_PER_S + 1)
		return INT64_MIN;
	return t.s * NS_PER_S + t.ns;
}
