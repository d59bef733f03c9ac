# acceptance.ps1: what only a real Windows machine can show of weir.exe.  Run it in a console of an
# administrator, in the folder of the unpacked zip; it takes some minutes, writes acceptance-report.txt, and
# removes what it made: a folder, a service of its own name, what WinDivert's driver registered.
#
# It sends pings to this machine itself only, and diverts nothing else.
$ErrorActionPreference = 'Continue'
$weir = Join-Path $PSScriptRoot 'weir.exe'
$report = Join-Path $PSScriptRoot 'acceptance-report.txt'
$work = Join-Path $env:TEMP ("weir acceptance " + [char]0xe9 + $PID)
$service = "weir-acceptance-$PID"
$failed = 0

function Say($text) { $text | Tee-Object -FilePath $report -Append }
function Check($name, $ok) {
	if ($ok) { Say "ok - $name" } else { Say "not ok - $name"; $script:failed++ }
}
# What the program says goes into the report; its exit code is in $LASTEXITCODE.
function Weir { & $weir @args 2>&1 | ForEach-Object { Say "$_" } }
function Lines { & $weir @args | ForEach-Object { $_ | ConvertFrom-Json } }
function Nanoseconds($time) { ($time.ToFileTimeUtc() - 116444736000000000) * 100 }

function Test-Program {
	Check 'files are those of SHA256SUMS' (-not (Get-Content (Join-Path $PSScriptRoot 'SHA256SUMS') | Where-Object {
		$sum, $name = $_ -split '  ', 2
		(Get-FileHash -LiteralPath (Join-Path $PSScriptRoot $name) -Algorithm SHA256).Hash -ne $sum
	}))
	Weir --version
	Check 'it starts' ($LASTEXITCODE -eq 0)
	$version = (Get-Item $weir).VersionInfo
	Check 'its properties tell the version' ($version.ProductName -eq 'weir' -and $version.ProductVersion)
	$driver = Join-Path $PSScriptRoot 'WinDivert64.sys'
	if (Test-Path $driver) {
		$signature = Get-AuthenticodeSignature $driver
		Say "driver's signature: $($signature.Status), $($signature.SignerCertificate.Subject)"
		Check 'Windows trusts the driver''s signature' ($signature.Status -eq 'Valid')
	}
	Weir doctor
}

# Four times, streams, links, ids, owners, long names: against what Windows itself tells.
function Test-Listing {
	$folder = Join-Path $work 'list'
	New-Item -ItemType Directory $folder | Out-Null
	$path = Join-Path $folder 'plain.txt'
	Set-Content -LiteralPath $path 'content'
	Set-Content -LiteralPath $path -Stream 'Zone.Identifier' '[ZoneTransfer]'
	New-Item -ItemType Junction (Join-Path $folder 'junction') -Target $env:windir | Out-Null
	New-Item -ItemType HardLink (Join-Path $folder 'hard.txt') -Target $path | Out-Null
	cmd /c mklink (Join-Path $folder 'symlink') $path | Out-Null
	(Get-Item $path).CreationTimeUtc = [DateTime]::Parse('2001-02-03T04:05:06Z').ToUniversalTime()
	$item = Get-Item $path
	$accessed = $item.LastAccessTimeUtc
	$lines = Lines list $folder -r --xattr --hash sha256
	Check 'the listing is complete' (@($lines | Where-Object { $_.record -eq 'summary' -and $_.complete }).Count -eq 1)
	Check 'the time of access stayed' ((Get-Item $path).LastAccessTimeUtc -eq $accessed)
	Check 'it may read what rights forbid' (($lines | Where-Object { $_.record -eq 'header' }).privileges -eq 'administrator,SeBackupPrivilege')
	Check '... and does' (@(Lines list 'C:\System Volume Information' | Where-Object { $_.record -eq 'error' }).Count -eq 0)
	$plain = $lines | Where-Object { $_.path -like '*/plain.txt' }
	Check 'time of birth' ($plain.born_ns -eq (Nanoseconds $item.CreationTimeUtc))
	Check 'time of modification' ($plain.modified_ns -eq (Nanoseconds $item.LastWriteTimeUtc))
	Check 'time of access' ($plain.accessed_ns -eq (Nanoseconds $accessed))
	Check 'two links' ($plain.links -eq 2)
	$id = (fsutil file queryfileid $path) -replace '.*0x', ''
	Check 'the file''s id' ([UInt64]$plain.inode -eq [Convert]::ToUInt64($id.Substring([Math]::Max(0, $id.Length - 16)), 16))
	$owner = (Get-Acl $path).GetOwner([System.Security.Principal.SecurityIdentifier]).Value
	Check 'the owner, in SDDL' ("$($plain.ntfs.sddl)".StartsWith("O:$owner"))
	Check 'one stream' ($plain.ntfs.stream_count -eq 1 -and @($plain.xattrs | Where-Object { $_.name -eq 'user.Zone.Identifier' }).Count -eq 1)
	Check 'the hash' ($plain.sha256 -eq (Get-FileHash $path).Hash.ToLower())
	foreach ($name in 'junction', 'symlink') {
		$link = @($lines | Where-Object { $_.path -like "*/$name*" })
		Check "a $name is named, with its target, and not entered" ($link.Count -eq 1 -and $link[0].type -eq 'link' -and $link[0].target)
	}
	$long = '\\?\' + $folder
	foreach ($i in 1..4) { $long += '\' + ("$i" * 100); [IO.Directory]::CreateDirectory($long) | Out-Null }
	$deep = Lines list $folder -r | Where-Object { $_.path -like ('*/' + '4' * 100) }
	Check 'a path of more than 260 characters' (@($deep).Count -eq 1)
	$pagefile = Lines list 'C:\pagefile.sys' | Where-Object { $_.record -eq 'file' }
	Check 'the page file is told, as its folder tells it' ($pagefile.size_bytes -gt 0 -and $pagefile.modified_ns -gt 0)
	Say ($lines | ConvertTo-Json -Depth 9)
	Say (cmd /c dir /r /a $folder | Out-String)
	Say (Get-Acl $path).Sddl
}

# The same on this system as elsewhere.
function Test-Store {
	Weir import (Join-Path $PSScriptRoot 'sample.pcap') -o (Join-Path $work 'store') --quiet
	Weir verify (Join-Path $work 'store')
	Check 'an imported store verifies' ($LASTEXITCODE -eq 0)
}

# Pings to this machine while a recorder runs: each is a packet or two, and must be answered.
function Test-Recording($command) {
	$store = Join-Path $work $command
	$filter = 'icmp and loopback'
	$run = Start-Process $weir -PassThru -NoNewWindow -ArgumentList $command, '-o', "`"$store`"", '--for', '12s', '-q', "`"$filter`"" `
		-RedirectStandardError (Join-Path $work "$command.err")
	$null = $run.Handle # else its exit code is lost
	Start-Sleep 4
	$answers = @(Test-Connection 127.0.0.1 -Count 5 -ErrorAction SilentlyContinue).Count
	$run.WaitForExit(60000) | Out-Null
	Get-Content (Join-Path $work "$command.err") | ForEach-Object { Say $_ }
	Check "${command}: it ends well" ($run.HasExited -and $run.ExitCode -in 0, 4)
	Check "${command}: pings are answered meanwhile" ($answers -eq 5)
	Weir verify $store
	Check "${command}: the store verifies" ($LASTEXITCODE -eq 0)
	$count = @(Lines show $store --json).Count
	Say "${command}: $count packets of 5 pings"
	Check "${command}: the pings are recorded" ($count -ge 5)
	Weir info $store
}

# A recorder that is killed leaves the network alone, and a store that can be repaired.
function Test-Killed {
	$store = Join-Path $work 'killed'
	$run = Start-Process $weir -PassThru -NoNewWindow -ArgumentList 'divert', '-o', "`"$store`"", '-q', '"icmp and loopback"'
	Start-Sleep 4
	Test-Connection 127.0.0.1 -Count 2 -ErrorAction SilentlyContinue | Out-Null
	Stop-Process -Id $run.Id -Force
	Start-Sleep 2
	Check 'killed: pings are answered' (@(Test-Connection 127.0.0.1 -Count 3 -ErrorAction SilentlyContinue).Count -eq 3)
	Weir verify $store
	Weir info $store
	Check 'killed: what was recorded can be read' ($LASTEXITCODE -eq 0)
}

# The agent: as a service, by its pipe, then without a trace.  The program must lie where only
# administrators write, else the refusal is what is looked for.
function Test-Agent {
	$data = Join-Path $env:ProgramData 'weir-acceptance'
	Weir agent init --data $data
	Check 'a key and a code are made' ($LASTEXITCODE -eq 0)
	Say (icacls $data | Out-String)
	$rules = (Get-Acl (Join-Path $data 'agent\agent.key')).GetAccessRules($true, $true, [System.Security.Principal.SecurityIdentifier])
	Check 'the key is nobody else''s' (-not ($rules | Where-Object { $_.IdentityReference.Value -notin 'S-1-5-18', 'S-1-5-32-544' }))
	Weir service install --name $service -- --data $data
	$installed = $LASTEXITCODE -eq 0
	Check 'the service is installed, or refused for where the program lies' ($installed -or $LASTEXITCODE -eq 3)
	if ($installed) {
		Weir service start --name $service
		Check 'it starts' ($LASTEXITCODE -eq 0)
		Weir service status --name $service
		Check 'it runs' ((Get-Service $service).Status -eq 'Running')
		$pipe = Get-ChildItem '\\.\pipe\' | Where-Object Name -like 'weir-agent-*' | Select-Object -First 1
		Weir ctl --socket "\\.\pipe\$($pipe.Name)" --json status
		Check 'its pipe answers' ($LASTEXITCODE -eq 0)
		Weir ctl --socket "\\.\pipe\$($pipe.Name)" call filesystem listdir "path=$env:windir"
		Check 'its listing answers' ($LASTEXITCODE -eq 0)
		Weir service stop --name $service
		Check 'it stops' ((Get-Service $service).Status -eq 'Stopped')
		Weir service remove --name $service
		Start-Sleep 1
		Check 'it is uninstalled' (-not (Get-Service $service -ErrorAction SilentlyContinue))
		Check 'no process of it is left' (-not (Get-Process weir -ErrorAction SilentlyContinue))
	}
	Remove-Item -Recurse -Force $data
}

Set-Content $report "weir acceptance, $(Get-Date -Format o)"
Say (Get-CimInstance Win32_OperatingSystem | Format-List Caption, Version, BuildNumber | Out-String)
New-Item -ItemType Directory $work | Out-Null
try {
	Test-Program
	Test-Listing
	Test-Store
	if (Test-Path (Join-Path $PSScriptRoot 'WinDivert.dll')) {
		Test-Recording sniff
		Test-Recording divert
		Test-Killed
	} else {
		Say 'no WinDivert.dll beside weir.exe: recording is skipped'
	}
	Test-Agent
} finally {
	# What WinDivert's library registered goes with its last handle, or here.
	sc.exe query WinDivert | ForEach-Object { Say $_ }
	sc.exe stop WinDivert *> $null
	sc.exe delete WinDivert *> $null
	sc.exe stop $service *> $null
	sc.exe delete $service *> $null
	Remove-Item -Recurse -Force -LiteralPath ('\\?\' + $work) -ErrorAction SilentlyContinue
	Check 'nothing is left of it' (-not (Test-Path -LiteralPath $work))
	Say "$failed failed"
}
exit [Math]::Min($failed, 1)
