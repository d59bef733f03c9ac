/* The errors of WinDivertOpen(), each as a sentence that says what to do.  The numbers are those of
 * "System Error Codes"; which of them come is from WinDivert's documentation and from reports. */
#include "port/windivert_form.h"

static const struct {
	uint32_t error;
	enum weir_err code;
	const char *sentence;
} table[] = {
	{ 2, WEIR_ERR_ABSENT,
	  "the driver file WinDivert64.sys is not where it should be: put it beside "
	  "WinDivert.dll; if it is there, an older driver is registered from another "
	  "folder ('weir doctor' shows it; 'sc delete WinDivert' removes it)" },
	{ 5, WEIR_ERR_PRIVILEGE,
	  "access denied: run as administrator; if you are one, an older driver is "
	  "registered from another folder ('weir doctor' shows it)" },
	{ 87, WEIR_ERR_USAGE,
	  "WinDivert refuses the filter, layer, priority or flags: 'weir filter check "
	  "--strict' says what it cannot read" },
	{ 110, WEIR_ERR_ABSENT,
	  "the driver cannot be opened: it is being removed; try again, or restart "
	  "Windows" },
	{ 433, WEIR_ERR_PRIVILEGE,
	  "the driver's device is not there: run as administrator, and see 'weir doctor' "
	  "for an older driver" },
	{ 577, WEIR_ERR_UNSUPPORTED,
	  "Windows refuses the signature of WinDivert64.sys: take the file from an "
	  "official release, unchanged; Windows 7 and 2008 R2 need the update for SHA-2 "
	  "signatures" },
	{ 654, WEIR_ERR_BUSY,
	  "another version of WinDivert is loaded: end the program that uses it ('weir "
	  "doctor' shows where it runs from), or restart Windows" },
	{ 1058, WEIR_ERR_UNSUPPORTED,
	  "the service 'WinDivert' is disabled: 'sc config WinDivert start= demand' "
	  "enables it, 'sc delete WinDivert' has it made anew" },
	{ 1060, WEIR_ERR_ABSENT,
	  "the service 'WinDivert' is not installed, and this recorder may not install "
	  "it" },
	{ 1068, WEIR_ERR_SYSTEM,
	  "the driver did not start because a service that it needs did not: start the "
	  "Base Filtering Engine ('sc start BFE')" },
	{ 1072, WEIR_ERR_BUSY,
	  "the service 'WinDivert' is marked for removal: end the programs that use it, "
	  "or restart Windows" },
	{ 1114, WEIR_ERR_SYSTEM,
	  "the driver could not be initialised: WinDivert64.sys is damaged, or this is "
	  "no Windows (wine cannot run it)" },
	{ 1275, WEIR_ERR_UNSUPPORTED,
	  "Windows or a security product blocks the driver: allow WinDivert64.sys there, "
	  "or switch off the block list of vulnerable drivers (core isolation)" },
	{ 1450, WEIR_ERR_NO_MEMORY,
	  "Windows has no resources left for the driver: end what is not needed" },
	{ 1753, WEIR_ERR_UNSUPPORTED,
	  "the Base Filtering Engine is stopped: start that service ('sc start BFE')" },
	{ 126, WEIR_ERR_ABSENT, "WinDivert.dll needs a DLL that is not there" },
	{ 193, WEIR_ERR_UNSUPPORTED,
	  "WinDivert64.sys or WinDivert.dll is not for this processor: take those of "
	  "the folder x64" },
};

int windivert_open_error(uint32_t error, struct weir_error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].error == error)
			return err_set(err, table[i].code,
				       "cannot open WinDivert (error %u): %s", error,
				       table[i].sentence);
	return err_set(
		err, WEIR_ERR_SYSTEM,
		"cannot open WinDivert: error %u of Windows ('net helpmsg %u' says "
		"what it is)",
		error, error);
}
