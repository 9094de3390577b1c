# What no run may do to a server or to what somebody else has made there: on a machine of hashtables, with the scripts of
# windows_firewall_engine.ps1. Writes a line for each check.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
$folder = Split-Path -Path $First
$store = 'PersistentStore'
$restart = 'Services that run keep the former proxy variables until they are restarted (of the Azure Arc agent himds, ExtensionService and GCArcService).'
$end = 'Nothing was changed; -AllowLockOut does it all the same.'

function Get-Ours { (Get-Machine).Stores[$store].Values | Where-Object { $_.Group -eq 'hcipolc:prod' -and $_.Name -like 'hcipolc-*' } }
function Get-Named { param ([string] $Part) Get-Ours | Where-Object { $_.Name -like "*$Part*" } }
function Get-Outbound { @('Domain', 'Private', 'Public' | ForEach-Object { (Get-Machine).Profiles[$_]['DefaultOutboundAction'] }) -join ' ' }
# What a run says, in its order, up to its error.
function Get-Said {
    param ([scriptblock] $Block, [hashtable] $More)
    $said = [System.Collections.Generic.List[string]]::new()
    try { & $Block -Force @More 3>&1 6>$null | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } | ForEach-Object { $said.Add("$_") } } catch { $said.Add("! $_") }
    $said -join '; '
}
function Remove-Rule { param ([scriptblock] $Block, [string] $Name) Edit-Block $Block "(?s)    @\{\s+Name          = 'hcipolc-prod-main-x\.$Name-(in|out).*?\n    \}\n" '' }
function Add-Rule { param ([scriptblock] $Block, [string] $Text) Edit-Block $Block '(\$rules = @\(\n)' "`$1    @{ $Text }`n" }
function Get-BackupPath { param ([string] $Name) $path = Join-Path $folder "safety-$Name.json"; [System.IO.File]::Delete($path); $path }

# ---- an exception that has ended does not come back, whichever script restores it ----
# As the compiler writes it, and Windows keeps it.
$dated = Edit-Block $two "(?<=Description   = 'Rule main/x\.ping\.)" ' Note: Until: 2031-01-01. Exception of: netsec. Until: 2022-06-30. Reason: Until: 2032-01-01.'
$dated = Edit-Block $dated "(Action        = 'Allow')(\s+Protocol      = 'ICMPv4')" "`$1`n        Until         = '2022-06-30'`$2"
$anew = Remove-Rule $two 'ping'
Start-Machine
$null = Find $dated 'Apply'
$name = (Get-Named 'ping-in').Name
(Get-Machine).Today = '2022-07-01'; Set-StandIn
$file = Get-BackupPath 'ended'
Test-Equal -What 'the policy built anew takes it away' -Is (@(Find $anew 'Apply' @{ BackupPath = $file }) -match 'ping-in: Removed').Count -Should 1
Test-Equal -What 'the backup knows its last day' -Is ((Get-Content -Raw $file | ConvertFrom-Json).Until.$name) -Should '2022-06-30'
Test-Equal -What 'Restore leaves it out' -Is (Get-Said $anew @{ Mode = 'Restore'; BackupPath = $file }) -Should "$name is left out: its exception ended on 2022-06-30."
Test-Equal -What 'and all else is there' -Is "$(@(Get-Named 'ping-in').Count) $(@(Get-Ours).Count)" -Should '0 6'
# An older backup has only the rules.
[System.IO.File]::WriteAllText($file, ([System.IO.File]::ReadAllText($file) -replace '"Until":\s*\{[^}]*\}', '"Other": {}'))
Test-Equal -What 'nor from an older backup' -Is "$(Get-Said $anew @{ Mode = 'Restore'; BackupPath = $file })$(@(Get-Named 'ping-in').Count)" -Should "$name is left out: its exception ended on 2022-06-30.0"
(Get-Machine).Today = '2022-06-30'; Set-StandIn
Test-Equal -What 'but on its last day' -Is "$(Get-Said $anew @{ Mode = 'Restore'; BackupPath = $file })$(@(Get-Named 'ping-in').Count)" -Should '1'

# ---- a rollback that cannot open again leaves the way out ----
function Start-Broken { Start-Machine; (Get-Machine)['BreaksAfter'] = 1 }
Start-Broken
$said = Get-Said $one @{ Mode = 'Apply' }
Test-Equal -What 'a profile that cannot be opened again is named' -Is $said -Should (@('TCP 3389 (Remote Desktop): rules of this run block it from Any. Sessions from there may be cut.',
        $restart, 'Not everything could be done: what this run did is being undone.',
        'Outbound Private (Setting) could not be put back: Set-NetFirewallProfile is broken',
        'Outbound Domain (Setting) could not be put back: Set-NetFirewallProfile is broken',
        'Outbound Domain still blocks what no rule allows. To open it: Set-NetFirewallProfile -Name Domain -DefaultOutboundAction Allow',
        '18 of 22 steps were not undone: Outbound Private (Setting), Outbound Domain (Setting), Outbound Domain (Memory), Proxy of Azure Arc agent (Proxy) and 14 more.',
        '! Set-NetFirewallProfile is broken') -join '; ')
Test-Equal -What 'and its rules stay' -Is "$(Get-Outbound): $(@(Get-Ours).Count)" -Should 'Block NotConfigured NotConfigured: 5'
Test-Equal -What 'and the proxy, which is the way out for the rest' -Is "$((Get-Machine).Variables['Machine HTTPS_PROXY']) $((Get-Machine).Registry['HKLM:\SOFTWARE\hcipolc\Proxy\hcipolc-prod'].Count)" -Should 'http://10.0.9.10:9090 4'
Test-Equal -What 'and what it was is remembered' -Is ((Get-Machine).Registry['HKLM:\SOFTWARE\hcipolc\Firewall\hcipolc-prod']['Outbound Domain']) -Should 'NotConfigured'
(Get-Machine).Remove('BreaksAfter')
$null = Find $one 'Remove'
Test-Equal -What 'so that Remove opens it' -Is "$(Get-Outbound): $(@(Get-Ours).Count) $((Get-Machine).Variables['Machine HTTPS_PROXY'])" -Should 'NotConfigured NotConfigured NotConfigured: 0 '

# ---- nor does one shut again what a rule is missing for ----
$missing = @('name', 'dns' | ForEach-Object { [regex]::Match("$one", "hcipolc-prod-main-x\.$_-out-[0-9a-f]{8}").Value }) -join ', '
foreach ($command in 'New-NetFirewallRule', 'nothing') {
    Start-Machine
    $null = Find $one 'Apply'
    $applied = ConvertTo-MachineText
    Reset-Fault -Always $command -Once 'Remove-NetFirewallRule *tag-out*'
    $said = Get-Said $one @{ Mode = 'Remove' }
    if ($command -eq 'nothing') {
        Test-Equal -What 'a Remove that fails and can be undone' -Is "$($said -like '*being undone.*; All of it was undone.; ! *') $((ConvertTo-MachineText) -join '' -ceq ($applied -join ''))" -Should 'True True'
        continue
    }
    Test-Equal -What 'a Remove that cannot make its rules again' -Is (@($said -split '; ' -match 'stays open|not undone' -replace ': hcipolc.*$', '') -join '; ') -Should (
        @(@('Domain', 'Private', 'Public' | ForEach-Object { "Outbound $_ stays open because rule $missing is missing: run Apply." }) + '10 of 22 steps were not undone') -join '; ')
    Test-Equal -What 'leaves the way out open' -Is "$(Get-Outbound) $(@((Get-Machine).Registry['HKLM:\SOFTWARE\hcipolc\Firewall\hcipolc-prod'].Keys) -like 'Outbound*')" -Should 'NotConfigured NotConfigured NotConfigured '
    Reset-Fault
    $null = Find $one 'Apply'
    Test-Equal -What 'until Apply has the rule back' -Is (ConvertTo-MachineText) -Should $applied
}

# ---- a server's own profiles that cannot be NotConfigured are opened all the same ----
foreach ($how in 'throws', 'does nothing') {
    Start-Machine
    $start = ConvertTo-MachineText
    $null = Find $one 'Apply'
    $file = Get-BackupPath 'open'
    (Get-Machine)['NoReset'] = $how
    $null = Find $one 'Remove' @{ BackupPath = $file }
    Test-Equal -What "NotConfigured that $how is Allow" -Is (Get-Outbound) -Should 'Allow Allow Allow'
    (Get-Machine).Remove('NoReset')
    Test-Equal -What 'and nothing else' -Is ((ConvertTo-MachineText) -replace 'OutboundAction = Allow', 'OutboundAction = NotConfigured') -Should $start
}
# What was NotConfigured is no difference while it is Allow.
foreach ($mode in 'Remove', 'Restore') {
    Start-Machine
    $file = Get-BackupPath 'allow'
    $null = Find $one 'Apply' @{ BackupPath = $file }
    foreach ($name in 'Domain', 'Private', 'Public') { (Get-Machine).Profiles[$name]['DefaultOutboundAction'] = 'Allow' }
    Reset-Fault
    $null = Find $one $mode @{ BackupPath = @($file, (Get-BackupPath 'removed'))[$mode -eq 'Remove'] }
    Test-Equal -What "$mode leaves an Allow in place of it" -Is "$(Get-Outbound) $(@(Get-Change) -like 'Set-NetFirewallProfile*')$(@(Get-Ours).Count)" -Should 'Allow Allow Allow 0'
}

# ---- no preference for warnings stops a rollback ----
foreach ($preference in 'Stop', 'Inquire') {
    Start-Machine
    New-NetFirewallRule -Name 'their-block' -DisplayName 'x' -Group 'Others' -Direction 'Inbound' -Protocol 'TCP' -LocalPort '1'
    $quiet = Remove-Rule $one 'no-rdp'
    $before = ConvertTo-MachineText
    Reset-Fault -Always 'Set-NetFirewallProfile'
    Test-Equal -What "-WarningAction $preference" -Is (Find $quiet 'Apply' @{ WarningAction = $preference }) -Should '! Set-NetFirewallProfile is broken'
    Reset-Fault
    Test-Equal -What 'undoes everything' -Is (ConvertTo-MachineText) -Should $before
}

# ---- a lock-down is for every address of the server, and its rules are not ----
Start-Machine
(Get-Machine).Cards = @('10.0.0.11', '10.71.1.11', '10.71.2.11', '127.0.0.1'); Set-StandIn
$more = 'The rules are for the addresses of the policy, and not for others of this server: 10.71.1.11, 10.71.2.11. Outbound traffic from these will be BLOCKED unless rules of others allow it.'
Test-Equal -What 'addresses that the policy lacks' -Is (@(Get-Warning $one @{ Mode = 'Verify' }) -like 'The rules*') -Should $more
Test-Equal -What 'stop what blocks them' -Is (Find $one 'Apply') -Should "! With outbound traffic blocked this server could not reach: anything from 10.71.1.11, 10.71.2.11, for which the policy has no rules. $end"
Test-Equal -What 'before anything is changed' -Is (Get-Change) -Should ''
$null = Find $one 'Apply' @{ AllowLockOut = $true }
Test-Equal -What 'unless that is allowed' -Is "$(Get-Outbound) $(Find $one 'Apply')" -Should 'Block Block Block '

# ---- block rules of the policy may lock the server out, too ----
$all = "Name = 'hcipolc-prod-main-x.all-out-00000000'; DisplayName = 'a'; Description = 'b'; Direction = 'Outbound'; Action = 'Block'; LocalAddress = @('10.0.0.11'); RemoteAddress = @('Any'); Protocol = "
$blocking = Add-Rule $two "$all'Any'"
$text = 'With the policy''s block rules this server could not reach:'
$needs = @('TCP/88', 'TCP/389', 'UDP/389', 'TCP/135', 'TCP/445' | ForEach-Object { "domain controller 10.0.7.4 $_" }) -join ', '
Start-Machine
Test-Equal -What 'a block rule for everything' -Is (Find $blocking 'Apply') -Should "! $text name server 10.0.5.53 UDP/53, $needs. $end"
Test-Equal -What 'changes nothing' -Is (Get-Change) -Should ''
Test-Equal -What 'unless that is allowed' -Is ((Find $blocking 'Apply' @{ AllowLockOut = $true }) -like '*all-out: Created*') -Should 'True'
Reset-Fault
Test-Equal -What 'and is not asked about again' -Is "$(Find $blocking 'Apply')$(Get-Change)" -Should ''
Start-Machine
Test-Equal -What 'a block rule for what is not needed' -Is ((Find (Add-Rule $two "$all'TCP'; RemotePort = @('25')") 'Apply') -like '*all-out: Created*') -Should 'True'
# Somebody opens it; setting it again is asked about.
Start-Machine
$null = Find $blocking 'Apply' @{ AllowLockOut = $true }
(Get-Named 'all-out')['RemoteAddress'] = '198.51.100.1'
Test-Equal -What 'a block rule that is set again' -Is (Find $blocking 'Apply') -Should "! $text name server 10.0.5.53 UDP/53, $needs. $end"

# ---- the ways in ----
$winrm = @{ Name = 'WINRM-HTTP-In-TCP'; Direction = 'Inbound'; Protocol = 'TCP'; LocalPort = '5985'; Program = 'System' }
$ours = "Name = 'hcipolc-prod-main-x.winrm-in-00000000'; DisplayName = 'a'; Description = 'b'; Direction = 'Inbound'; Protocol = 'TCP'; LocalPort = @('5985'); LocalAddress = @('10.0.0.11'); Action = "
$letting = Add-Rule $two "$ours'Allow'; RemoteAddress = @('10.0.5.0/28')"
$denying = Add-Rule $two "$ours'Block'; RemoteAddress = @('Any')"
$denyingSome = Add-Rule $two "$ours'Block'; RemoteAddress = @('10.0.6.0/24')"
$closed = 'TCP 5985 (WinRM): no rule lets anybody in after this run. Sessions that are open may go on.'
$rdp = 'TCP 3389 (Remote Desktop): rules of this run block it from Any. Sessions from there may be cut.'
$lost = 'Nobody could administer this server from elsewhere any more: this run shuts TCP 5985 (WinRM).'
$stopped = "$closed; ! $lost $end"
function Get-WayIn { param ($Block, [hashtable] $More) @((Get-Said $Block $More) -split '; (?=TCP|Nobody|!|Prof|From|Rule|\d|These)' -match 'TCP \d|Nobody') -join '; ' }
Start-Machine
Test-Equal -What 'a rule that lets WinRM in' -Is (Get-WayIn $letting @{ Mode = 'Apply' }) -Should $rdp
Test-Equal -What 'Remove of the last one stops' -Is (Get-WayIn $letting @{ Mode = 'Remove' }) -Should $stopped
Test-Equal -What 'and so does Apply without it' -Is (Get-WayIn $two @{ Mode = 'Apply' }) -Should $stopped
Test-Equal -What 'unless that is allowed' -Is (Get-WayIn $letting @{ Mode = 'Remove'; WhatIf = $true; AllowLockOut = $true }) -Should "$closed; $lost"
Add-WindowsRule $winrm
Test-Equal -What 'but not when Windows'' own is there' -Is (Get-WayIn $letting @{ Mode = 'Remove'; WhatIf = $true }) -Should ''
(Get-Machine).Stores[$store]['WINRM-HTTP-In-TCP']['Enabled'] = 'False'
Test-Equal -What 'unless it is disabled' -Is (Get-WayIn $letting @{ Mode = 'Remove'; WhatIf = $true }) -Should $stopped
# A rule for another program lets nobody in there.
$bare = Remove-Rule $two 'no-rdp'
$letting = Add-Rule $bare "$ours'Allow'; RemoteAddress = @('10.0.5.0/28')"
$svchost = '%SystemRoot%\system32\svchost.exe'
foreach ($case in @(@('WMI-WINMGMT-In-TCP', @{ Program = $svchost; Service = 'winmgmt' }, $stopped), @('app', @{ Program = 'System'; Package = 'S-1-15-2-1' }, $stopped), @('any', @{}, ''),
        @('OpenSSH', @{ Program = '%SystemRoot%\system32\OpenSSH\sshd.exe'; LocalPort = '22' }, $closed), @('other SSH', @{ Program = 'C:\x\other.exe'; LocalPort = '22' }, $stopped),
        @('desktop', @{ Program = $svchost; Service = 'termservice'; LocalPort = '3389' }, $closed), @('web services', @{ Program = 'System'; LocalPort = '5986' }, $closed), @('shadow', @{ Program = 'C:\RdpSa.exe'; LocalPort = '1-5000' }, $stopped))) {
    Start-Machine
    $null = Find $letting 'Apply'
    Add-WindowsRule (@{ Name = $case[0]; Direction = 'Inbound'; Protocol = 'TCP' } + $case[1])
    Test-Equal -What "a rule for another program: $($case[0])" -Is (Get-WayIn $letting @{ Mode = 'Apply'; WhatIf = $true }) -Should ''
    Test-Equal -What 'and without ours' -Is (Get-WayIn $bare @{ Mode = 'Apply'; WhatIf = $true }) -Should $case[2]
}
# Windows' own, which was disabled before Apply.
Start-Machine
Add-WindowsRule ($winrm + @{ Enabled = 'False' })
$own = Edit-Block $one '(\$builtin = @\(\n)' "`$1    @{ Name = 'WINRM-HTTP-In-TCP'; Protocol = 'TCP'; LocalPort = @('5985') }`n"
$null = Find $own 'Apply'
Test-Equal -What 'Windows'' own rule that Remove disables again' -Is (Get-WayIn $own @{ Mode = 'Remove'; WhatIf = $true }) -Should $stopped
# Block rules.
Start-Machine
Test-Equal -What 'a block where nobody could come in is warned of' -Is (Get-WayIn $denying @{ Mode = 'Apply'; WhatIf = $true }) -Should "$rdp; TCP 5985 (WinRM): rules of this run block it from Any. Sessions from there may be cut."
Add-WindowsRule $winrm
Reset-Fault
Test-Equal -What 'one that shuts the last way stops' -Is (Get-WayIn $denying @{ Mode = 'Apply' }) -Should "$rdp; TCP 5985 (WinRM): rules of this run block it from Any. Sessions from there may be cut.; ! $lost $end"
Test-Equal -What 'and changes nothing' -Is (Get-Change) -Should ''
Test-Equal -What 'unless that is allowed' -Is ((Find $denying 'Apply' @{ AllowLockOut = $true }) -like '*winrm-in: Created*') -Should 'True'
Start-Machine
Add-WindowsRule $winrm
Test-Equal -What 'one for some is warned of' -Is (Get-WayIn $denyingSome @{ Mode = 'Apply' }) -Should "$rdp; TCP 5985 (WinRM): rules of this run block it from 10.0.6.0/24. Sessions from there may be cut."
Start-Machine
Add-WindowsRule $winrm
Add-WindowsRule @{ Name = 'sshd'; Direction = 'Inbound'; Protocol = 'TCP'; LocalPort = '22' }
Test-Equal -What 'another way is enough' -Is ((Find $denying 'Apply') -like '*winrm-in: Created*') -Should 'True'
Start-Machine
Add-WindowsRule $winrm
Add-WindowsRule @{ Name = 'sshd'; Direction = 'Inbound'; Protocol = 'TCP'; LocalPort = '22' }
Add-WindowsRule @{ Name = 'no-ssh'; Direction = 'Inbound'; Protocol = 'TCP'; LocalPort = '1-1024'; Action = 'Block' }
Test-Equal -What 'unless it is shut' -Is ((Find $denying 'Apply') -like "! Nobody*$end") -Should 'True'
(Get-Machine).Stores[$store]['no-ssh']['Program'] = 'C:\x.exe'
Test-Equal -What 'for all programs' -Is ((Find $denying 'Apply') -like '*winrm-in: Created*') -Should 'True'

# Block rules with holes shut a way together, for those whom its allow rules let in.
$hole = Add-Rule $two "$ours'Block'; RemoteAddress = @('0.0.0.0-10.0.5.15', '10.0.5.17-255.255.255.255')"
foreach ($case in @(@('10.0.5.0/28', '', $true), @('10.0.5.0/27', '', $false), @('0.0.0.0-255.255.255.255', '', $false), @('0.0.0.0-255.255.255.255', '10.0.5.16', $true), @('Any', '', $false), @('Any', '10.0.5.16', $false), @('LocalSubnet', '10.0.5.16', $false), @('LocalSubnet', 'Any', $false), @('10.0.5.16', '10.0.0.0/8', $false), @('10.0.5.16', 'LocalSubnet', $false))) {
    Start-Machine
    Add-WindowsRule ($winrm + @{ RemoteAddress = $case[0] })
    if ($case[1] -ne '') { Add-WindowsRule @{ Name = 'more'; Direction = 'Inbound'; Action = 'Block'; Protocol = 'TCP'; LocalPort = '5985'; RemoteAddress = $case[1] } }
    Test-Equal -What "block rules that leave a hole of 10.0.5.16: $($case[0]), $($case[1])" -Is ((Find $hole 'Apply' @{ WhatIf = $true }) -like "! Nobody*$end") -Should $case[2]
}
# A block rule that is narrowed in any other way shuts nothing.
foreach ($case in @(@('Service', 'x'), @('RemotePort', '1024-2000'), @('RemoteUser', 'D:(A;;CC;;;S-1)'), @('InterfaceType', 'Wireless'))) {
    Start-Machine
    Add-WindowsRule ($winrm + @{ RemoteAddress = '10.0.5.16' })
    Add-WindowsRule @{ Name = 'more'; Direction = 'Inbound'; Action = 'Block'; Protocol = 'TCP'; LocalPort = '5985'; $case[0] = $case[1] }
    Test-Equal -What "nor one that is narrowed: $($case[0])" -Is ((Find $hole 'Apply' @{ WhatIf = $true }) -like '! Nobody*') -Should 'False'
}

# ---- two runs ----
$space = [runspacefactory]::CreateRunspace()
$space.Open()
function Invoke-Beside { param ([string] $Text) $shell = [powershell]::Create(); $shell.Runspace = $space; $null = $shell.AddScript($Text); $shell.Invoke() }
$space.SessionStateProxy.SetVariable('name', "Global\hcipolc-$PID")
$space.ThreadOptions = 'ReuseThread'
function Test-Free { Invoke-Beside '$m = [System.Threading.Mutex]::new($false, $name); $free = $m.WaitOne(0); if ($free) { $m.ReleaseMutex() }; $m.Dispose(); $free' }
Start-Machine
$null = Invoke-Beside '$held = [System.Threading.Mutex]::new($true, $name)'
$busy = '! Nothing was changed: another run of such a script is going on here. Wait for its end.'
foreach ($mode in 'Apply', 'Remove', 'Backup') { Test-Equal -What "$mode beside another run" -Is "$(Find $two $mode @{ BackupPath = (Get-BackupPath 'busy') })$(Get-Change)" -Should $busy }
Test-Equal -What 'Verify may go on' -Is ((Find $two 'Verify') -like '*dns-out: Missing*') -Should 'True'
$null = Invoke-Beside '$held.ReleaseMutex(); $held.Dispose()'
Test-Equal -What 'Apply after it' -Is ((Find $two 'Apply') -like '*dns-out: Created*') -Should 'True'
Test-Equal -What 'leaves the next one free' -Is (Test-Free) -Should 'True'
foreach ($command in 'Get-NetFirewallRule', 'Remove-NetFirewallRule') {
    Reset-Fault -Always $command
    Test-Equal -What "and so does one that fails: $command" -Is "$(Find $two 'Remove') $(Test-Free)" -Should "! $command is broken True"
}
Reset-Fault
# One of another account, which nobody else may open.
function global:New-Object {
    [CmdletBinding()] param ([string] $TypeName, [object[]] $ArgumentList)
    if ($TypeName -like '*.Mutex') { throw [System.UnauthorizedAccessException]::new('Access to the path is denied.') }
    Microsoft.PowerShell.Utility\New-Object @PSBoundParameters
}
Test-Equal -What 'a run of another account' -Is (Find $two 'Apply') -Should $busy
& 'Microsoft.PowerShell.Management\Remove-Item' -Path 'function:New-Object'
# A rule that somebody has made meanwhile is not taken away with ours.
Start-Machine
Reset-Fault -Rival '*dns-out*'
$said = Find $two 'Apply'
Test-Equal -What "a rule of another run: $said" -Is ($said -like '! There is a rule hcipolc-prod-main-x.dns-out-*') -Should 'True'
Test-Equal -What 'is the only one that stays' -Is (@(Get-Ours | ForEach-Object { $_.Name -replace '^.*x\.|-\w+$', '' }) -join ' ') -Should 'dns-out'

# ---- a process of 32 bits ----
Start-Machine
Set-Bitness -System $true -Process $false
foreach ($mode in 'Verify', 'Apply') { Test-Equal -What "$mode in a 32-bit PowerShell" -Is "$(Find $two $mode)$(Get-CallText)" -Should '! This is a 32-bit PowerShell. Nothing was done: run the script in the 64-bit one.' }
Set-Bitness -System $false -Process $false
Test-Equal -What 'of a 32-bit system, which has no other' -Is ((Find $two 'Verify') -like '!*') -Should 'False'
Set-Bitness -System $true -Process $true

# ---- No to a rule is No to the Block that counts on it ----
Start-Machine
Set-Refused 'dns-out'
Test-Equal -What 'a rule that was refused' -Is ((Find $one 'Apply') -like '*Outbound*') -Should 'False'
Test-Equal -What 'leaves the profiles open' -Is (Get-Outbound) -Should 'NotConfigured NotConfigured NotConfigured'
Start-Machine
Test-Equal -What 'and says so' -Is (@((Get-Said $one @{ Mode = 'Apply' }) -split '; ' -match 'left alone') -join '; ') -Should (@('Domain', 'Private', 'Public' | ForEach-Object { "Outbound $_ is left alone: not every rule was wanted." }) -join '; ')
# Nor does the rule go whose place the refused one should take.
$renamed = Edit-Block $one '(?<=x\.dns-out-)[0-9a-f]{8}' '00000000'
$old = [regex]::Match("$one", 'hcipolc-prod-main-x\.dns-out-[0-9a-f]{8}').Value
Set-Refused ''
Start-Machine
$null = Find $one 'Apply'
Set-Refused 'dns-out-00000000'
Test-Equal -What 'a rule that another should replace' -Is (Get-Said $renamed @{ Mode = 'Apply' }) -Should "$old is left alone: not every rule was wanted."
Test-Equal -What 'stays' -Is (@(Get-Named 'dns-out' | ForEach-Object { $_.Name }) -join ' ') -Should $old
Set-Refused ''
Test-Equal -What 'until the other is wanted' -Is (Find $renamed 'Apply') -Should 'dns-out: Created; dns-out: Removed'
Set-Refused 'Proxy'
Start-Machine
Test-Equal -What 'a proxy that was refused is no rule' -Is "$((Find $one 'Apply') -like '*Proxy*') $(Get-Outbound)" -Should 'False Block Block Block'
Set-Refused ''
Start-Machine
Test-Equal -What 'WhatIf says nothing of what would be in force' -Is ((Get-Said $one @{ Mode = 'Apply'; WhatIf = $true }) -like '*not in force*') -Should 'False'
Test-Equal -What 'WhatIf refuses nothing' -Is ((Get-Said $one @{ Mode = 'Apply'; WhatIf = $true }) -like '*left alone*') -Should 'False'

# ---- Restore sets what the policy sets, and nothing else ----
Start-Machine
$null = Find $one 'Apply'
$file = Get-BackupPath 'edited'
$null = Find $one 'Backup' @{ BackupPath = $file }
$text = [System.IO.File]::ReadAllText($file)
$before = ConvertTo-MachineText
foreach ($case in @(@('"Outbound Domain":', '"Outbound Everything":', 'Outbound Everything'), @('("Outbound Domain":\s*)"Block"', '$1"Maybe"', 'Outbound Domain'), @('"Outbound Domain":', '"Inbound Domain":', 'Inbound Domain'), @('("Built-in FPS-SMB-In-TCP":\s*)"True"', '$1"yes"', 'Built-in FPS-SMB-In-TCP'))) {
    [System.IO.File]::WriteAllText($file, ([regex]::new($case[0])).Replace($text, $case[1], 9))
    Test-Equal -What "a backup with $($case[1])" -Is (Find $one 'Restore' @{ BackupPath = $file }) -Should "! Nothing was changed: $($case[2]) of the backup is no setting of ours."
}
[System.IO.File]::WriteAllText($file, ($text -replace '("Setting":\s*\{)', '$1 "Built-in theirs": "False",'))
Test-Equal -What 'a rule of somebody else' -Is (Get-Said $one @{ Mode = 'Restore'; BackupPath = $file }) -Should 'Built-in theirs of the backup is left out: the policy does not set it, and has not set it.'
Test-Equal -What 'is left alone' -Is (ConvertTo-MachineText) -Should $before
[System.IO.File]::WriteAllText($file, $text.Substring(0, 300))
Test-Equal -What 'a backup that is cut off' -Is ((Find $one 'Restore' @{ BackupPath = $file }) -like "! Nothing was changed: the backup $file cannot be read.*") -Should 'True'
Test-Equal -What 'a backup that is not there' -Is ((Find $one 'Restore' @{ BackupPath = "$file.none" }) -like "! Nothing was changed: the backup $file.none cannot be read.*") -Should 'True'

# ---- what is warned of ----
Start-Machine
$inward = Edit-Block (Remove-Rule (Remove-Rule (Remove-Rule $two 'dns') 'tag') 'name') '(?s)\$keywords = @\(.*?\n\)\n' "`$keywords = @(`n)`n"
New-NetFirewallRule -Name 'out-block' -DisplayName 'x' -Group 'Others' -Direction 'Outbound' -Action 'Block' -Protocol 'TCP' -RemotePort '25'
Test-Equal -What 'a block rule of the other direction beats nothing' -Is ((Get-Said $inward @{ Mode = 'Verify' }) -like '*block rules*') -Should 'False'
Test-Equal -What 'of this one it may' -Is (@((Get-Said $two @{ Mode = 'Verify' }) -split '; ' -match 'block rules') -join '') -Should '1 block rules of others are in force and may beat allow rules of the policy: out-block (x)'
'done'
