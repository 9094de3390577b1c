# What the guard of a lock-down counts as a way out, on a machine of hashtables: rules of Windows' own and of others, narrowed
# rules, block rules; and when it is asked. Writes a line for each check.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
# The same policies without the rule to the name server.
function Remove-NameRule { param ($Block) Edit-Block $Block '(?s)    @\{\s+Name          = ''hcipolc-prod-main-x\.dns-out.*?\n    \}\n' '' }
$oneLess = Remove-NameRule $one
$twoLess = Remove-NameRule $two
$store = 'PersistentStore'
$dns = 'name server 10.0.5.53 UDP/53'
$svchost = '%SystemRoot%\system32\svchost.exe'

function Get-Lost {
    param ($Block = $one, [string] $Mode = 'Apply', [hashtable] $More = @{ WhatIf = $true })
    $said = Find $Block $Mode $More
    if ($said -notlike '! With*') { return $said }
    $said -replace '^! With outbound traffic blocked this server could not reach: ', '' -replace '\. Nothing was changed; -AllowLockOut does it all the same\.$', ''
}
function Get-Controller { param ([string[]] $Port) @($Port | ForEach-Object { "domain controller 10.0.7.4 $_" }) -join ', ' }
function Add-Theirs { param ([hashtable] $Rule) $all = @{ DisplayName = 'x'; Group = 'Others'; Direction = 'Outbound' }; foreach ($key in $Rule.Keys) { $all[$key] = $Rule[$key] }; New-NetFirewallRule @all }
function Get-Rule { param ([string] $Name) (Get-Machine).Stores[$store][$Name] }
function Set-Outbound { param ([string] $Value) foreach ($name in 'Domain', 'Private', 'Public') { (Get-Machine).Profiles[$name]['DefaultOutboundAction'] = $Value } }

# ---- Windows' own rules are for the programs that they are for ----
Start-Machine
Test-Equal -What 'a server as it is made' -Is (Get-Lost) -Should ''
foreach ($case in @(@('CoreNet-GP-LSASS-Out-TCP', (Get-Controller 'TCP/88', 'TCP/389', 'TCP/135')), @('CoreNet-GP-Out-TCP', (Get-Controller 'TCP/389', 'TCP/135')),
        @('CoreNet-GP-NP-Out-TCP', (Get-Controller 'TCP/445')), @('theirs', (Get-Controller 'UDP/389')))) {
    Start-Machine
    (Get-Machine).Stores[$store].Remove($case[0])
    Test-Equal -What "without $($case[0]), whatever other programs may" -Is (Get-Lost) -Should $case[1]
}
Start-Machine
Test-Equal -What 'Teredo''s rule is none for names' -Is (Get-Lost $oneLess) -Should $dns
Add-WindowsRule @{ Name = 'CoreNet-DNS-Out-UDP'; Protocol = 'UDP'; RemotePort = '53'; Program = $svchost; Service = 'dnscache'; LooseSourceMapping = $true }
Test-Equal -What 'that of the client is' -Is (Get-Lost $oneLess) -Should ''
foreach ($case in @(@('Program', 'C:\Windows\System32\svchost.exe', ''), @('Program', '%windir%\system32\SVCHOST.EXE', ''), @('Program', 'D:\Tools\svchost.exe', $dns), @('Program', 'svchost.exe', $dns), @('Program', 'Any', ''),
        @('Service', 'iphlpsvc', $dns), @('Service', '*', $dns), @('Service', 'Any', ''))) {
    $rule = Get-Rule 'CoreNet-DNS-Out-UDP'
    $kept = $rule[$case[0]]
    $rule[$case[0]] = $case[1]
    Test-Equal -What "$($case[0]) $($case[1])" -Is (Get-Lost $oneLess) -Should $case[2]
    $rule[$case[0]] = $kept
}
# Rules of apps, which name no program.
Start-Machine
foreach ($name in @((Get-Machine).Stores[$store].Keys)) { if ($name -notlike 'app-*' -and $name -notlike 'F*') { (Get-Machine).Stores[$store].Remove($name) } }
Test-Equal -What 'rules of apps are for none' -Is (Get-Lost $oneLess) -Should "$dns, $(Get-Controller 'TCP/88', 'TCP/389', 'UDP/389', 'TCP/135', 'TCP/445')"

# ---- an allow rule counts if nothing narrows it ----
Start-Machine
Add-Theirs @{ Name = 'names'; Protocol = 'UDP'; RemotePort = '53' }
Test-Equal -What 'somebody''s rule for names' -Is (Get-Lost $oneLess) -Should ''
foreach ($case in @(@('InterfaceAlias', @('vEthernet (Backup)')), @('InterfaceType', 'Wireless'), @('LocalUser', 'D:(A;;CC;;;S-1-5-21)'), @('RemoteMachine', 'D:(A;;CC;;;S-1)'), @('Authentication', 'Required'), @('Encryption', 'Required'),
        @('Owner', 'S-1-5-21-1'), @('Package', 'S-1-15-2-1'), @('PackageFamilyName', 'a_b'), @('PolicyAppId', 'x'), @('Enabled', 'False'), @('Profile', 'Domain'), @('LocalPort', '68'), @('RemotePort', @('54')), @('Protocol', 'TCP'),
        @('LocalAddress', @('10.77.0.9')), @('LocalAddress', @('fd00::11')), @('RemoteAddress', @('LocalSubnet')), @('RemoteAddress', @('10.0.6.0/24')), @('RemoteDynamicKeywordAddresses', @('{a}')))) {
    $rule = Get-Rule 'names'
    $kept = $rule[$case[0]]
    $rule[$case[0]] = $case[1]
    Test-Equal -What "narrowed: $($case[0]) $($case[1])" -Is (Get-Lost $oneLess) -Should $dns
    $rule[$case[0]] = $kept
}
foreach ($case in @(@('LocalAddress', @('10.77.0.9', '10.0.0.11')), @('RemoteAddress', @('DNS')), @('RemoteAddress', @('10.0.5.0/24')), @('RemotePort', @('50-60')), @('Protocol', '17'), @('Protocol', 'Any'), @('Profile', 'Domain, Private, Public'), @('LocalPort', @('0-65535')))) {
    $rule = Get-Rule 'names'
    $kept = $rule[$case[0]]
    $rule[$case[0]] = $case[1]
    Test-Equal -What "wide enough: $($case[0]) $($case[1])" -Is (Get-Lost $oneLess) -Should ''
    $rule[$case[0]] = $kept
}
# Service restrictions of Windows' own are shown beside rules, and so is what is gone after a start.
foreach ($case in @(@('Hardcoded', $dns), @('Dynamic', $dns), @('Generated', $dns), @('GroupPolicy', ''), @('MDM', ''))) {
    (Get-Rule 'names')['Source'] = $case[0]
    Test-Equal -What "an allow rule that is $($case[0])" -Is (Get-Lost $oneLess) -Should $case[1]
}
(Get-Rule 'names').Remove('Source')
# From which of its addresses the server asks.
(Get-Machine).Routes['10.0.5.53'] = '10.77.0.9'
Test-Equal -What 'the policy''s rule is for another address of the server' -Is (Get-Lost) -Should ''
(Get-Machine).Stores[$store].Remove('names')
Test-Equal -What 'which is the only rule' -Is (Get-Lost) -Should $dns
(Get-Machine).Routes['10.0.5.53'] = ''
Test-Equal -What 'no way there at all' -Is (Get-Lost) -Should $dns

# ---- a block rule counts if it may be for the need ----
foreach ($case in @(@(@{ Program = $svchost; Service = 'dnscache'; RemotePort = '53' }, $dns), @(@{ Service = '*' }, $dns), @(@{ Protocol = 'Any'; RemotePort = 'Any' }, "$dns, $(Get-Controller 'TCP/88', 'TCP/389', 'UDP/389', 'TCP/135', 'TCP/445')"),
        @(@{ Group = 'hcipolc:prod'; RemotePort = '53' }, $dns), @(@{ Name = 'hcipolc-prod-main-y'; RemotePort = '53' }, $dns), @(@{ LocalPort = '1024-65535'; RemotePort = '53' }, $dns), @(@{ RemoteAddress = 'LocalSubnet'; RemotePort = '53' }, $dns),
        @(@{ RemoteDynamicKeywordAddresses = '{00000000-0000-0000-0000-000000000001}'; RemotePort = '53' }, $dns), @(@{ InterfaceAlias = 'x'; RemotePort = '53' }, $dns), @(@{ LocalUser = 'D:(A;;CC;;;S-1)'; RemotePort = '53' }, $dns),
        @(@{ Profile = 'Public'; RemotePort = '53' }, $dns), @(@{ RemoteAddress = '10.0.0.0/8'; RemotePort = '1-100' }, $dns), @(@{ LocalAddress = '10.0.0.0/24'; RemotePort = '53' }, $dns),
        @(@{ Protocol = 'TCP'; RemotePort = '80-100' }, (Get-Controller 'TCP/88')),
        @(@{ Program = 'C:\x.exe' }, ''), @(@{ Package = 'S-1-15-2-1' }, ''), @(@{ PackageFamilyName = 'a_b' }, ''), @(@{ Service = 'iphlpsvc' }, ''), @(@{ Protocol = 'TCP'; RemotePort = '53' }, ''), @(@{ LocalAddress = '10.77.0.9' }, ''),
        @(@{ RemoteAddress = '10.9.0.0/16' }, ''), @(@{ Direction = 'Inbound' }, ''), @(@{ Enabled = 'False' }, ''))) {
    Start-Machine
    $rule = @{ Name = 'block'; Action = 'Block'; Protocol = 'UDP' }
    foreach ($key in $case[0].Keys) { $rule[$key] = $case[0][$key] }
    if ($rule.Count -eq 4 -and $rule['Service'] -eq '*') { $rule['RemotePort'] = '53' }
    Add-Theirs $rule
    Test-Equal -What "a block rule: $(@($case[0].Keys | Sort-Object | ForEach-Object { "$_ $($case[0][$_])" }) -join ', ')" -Is (Get-Lost) -Should $case[1]
}

foreach ($case in @(@('Hardcoded', ''), @('Dynamic', $dns))) {
    Start-Machine
    Add-Theirs @{ Name = 'restriction'; Action = 'Block'; Protocol = 'UDP'; RemotePort = '53'; Program = $svchost; Service = 'dnscache' }
    (Get-Rule 'restriction')['Source'] = $case[0]
    Test-Equal -What "a block rule that is $($case[0])" -Is (Get-Lost) -Should $case[1]
    Test-Equal -What 'and whether Verify counts it' -Is (@(Get-Warning $one @{ Mode = 'Verify' }) -match 'block rules of others').Count -Should @(1, 0)[$case[1] -eq '']
}
(Get-Machine).Cim['Win32_NetworkAdapterConfiguration'] = @{ NameServers = @('127.0.0.1', '10.0.5.53'); DHCPEnabled = $false; DHCPServer = $null }
(Get-Machine).Stores[$store].Remove('restriction')
Test-Equal -What 'a name server on the server itself' -Is (Get-Lost) -Should ''
foreach ($case in @(@(@('127.0.0.1'), ''), @(@('::1'), ''), @(@('10.0.5.53', 'fd00:5::53'), 'name server fd00:5::53 UDP/53'), @(@(), 'the name servers (none was found)'))) {
    (Get-Machine).Cim['Win32_NetworkAdapterConfiguration'] = @{ NameServers = $case[0]; DHCPEnabled = $false; DHCPServer = $null }
    Test-Equal -What "name servers: $($case[0])" -Is (Get-Lost) -Should $case[1]
}
# Programs are written in any case, and compared so in every language: Turkish has another i.
$culture = [System.Threading.Thread]::CurrentThread.CurrentCulture
foreach ($name in 'en-US', 'tr-TR') {
    Start-Machine
    (Get-Rule 'CoreNet-GP-LSASS-Out-TCP')['Program'] = 'C:\WINDOWS\SYSTEM32\LSASS.EXE'
    [System.Threading.Thread]::CurrentThread.CurrentCulture = $name
    Test-Equal -What "a program in capitals: $name" -Is (Get-Lost) -Should ''
    [System.Threading.Thread]::CurrentThread.CurrentCulture = $culture
}

# ---- leases ----
Start-Machine
(Get-Machine).Cim['Win32_NetworkAdapterConfiguration'] = @{ NameServers = @('10.0.5.53'); DHCPEnabled = $true; DHCPServer = '10.0.5.1' }
$dhcp = 'DHCP server 10.0.5.1 UDP/67, DHCP servers by 255.255.255.255 UDP/67'
Test-Equal -What 'a lease that could not be renewed' -Is (Get-Lost) -Should $dhcp
Add-WindowsRule @{ Name = 'CoreNet-DHCP-Out'; Protocol = 'UDP'; LocalPort = '68'; RemotePort = '67'; Program = $svchost; Service = 'dhcp' }
Test-Equal -What 'Windows'' own rule renews it' -Is (Get-Lost) -Should ''
foreach ($case in @(@('LocalPort', '69', $dhcp), @('RemotePort', '68', $dhcp), @('Service', 'dnscache', $dhcp), @('LocalAddress', @('10.0.0.11'), 'DHCP servers by 255.255.255.255 UDP/67'), @('RemoteAddress', @('DHCP'), 'DHCP servers by 255.255.255.255 UDP/67'))) {
    $rule = Get-Rule 'CoreNet-DHCP-Out'
    $kept = $rule[$case[0]]
    $rule[$case[0]] = $case[1]
    Test-Equal -What "but not with $($case[0]) $($case[1])" -Is (Get-Lost) -Should $case[2]
    $rule[$case[0]] = $kept
}

# ---- Group Policy ----
Start-Machine
(Get-Machine).Policy['AllowLocalFirewallRules'] = 'False'
Test-Equal -What 'local rules that are ignored' -Is (Get-Lost) -Should 'what the policy''s rules allow, since Group Policy has local rules ignored (AllowLocalFirewallRules, Domain, Private, Public)'
Test-Equal -What 'of a policy without lock-down are not asked for' -Is (Get-Lost $two) -Should ''

# ---- whenever outbound traffic is blocked afterwards ----
Start-Machine
$null = Find $one 'Apply'
$before = ConvertTo-MachineText
Test-Equal -What 'Apply of a policy that has lost a rule' -Is (Get-Lost $oneLess 'Apply' @{}) -Should $dns
Test-Equal -What 'changes nothing' -Is (ConvertTo-MachineText) -Should $before
(Get-Rule 'theirs')['Enabled'] = 'False'
Reset-Fault
Test-Equal -What 'with nothing to do nothing is asked' -Is "$(Find $one 'Apply')$(Get-Change)" -Should ''
Test-Equal -What 'Remove opens first' -Is ((Find $one 'Remove') -like '!*') -Should 'False'

foreach ($who in 'an administrator', 'Group Policy') {
    Start-Machine
    if ($who -eq 'Group Policy') { (Get-Machine).Policy['DefaultOutboundAction'] = 'Block' } else { Set-Outbound 'Block' }
    $file = Join-Path (Split-Path -Path $First) "guard-$($who.Length).json"
    (Get-Machine).Stores[$store].Remove('CoreNet-GP-NP-Out-TCP')
    Test-Equal -What "blocked by ${who}: what could not be reached before stops nobody" -Is ((Find $twoLess 'Apply' @{ BackupPath = $file }) -like '!*') -Should 'False'
    Test-Equal -What 'nor does Apply that adds a way' -Is ((Find $two 'Apply') -like '*dns-out: Created*') -Should 'True'
    $before = ConvertTo-MachineText
    Test-Equal -What 'Apply that takes it away' -Is (Get-Lost $twoLess 'Apply' @{}) -Should $dns
    Test-Equal -What 'Restore that takes it away' -Is (Get-Lost $two 'Restore' @{ BackupPath = $file }) -Should $dns
    Test-Equal -What 'Remove that takes it away' -Is (Get-Lost $two 'Remove' @{}) -Should $dns
    Test-Equal -What 'change nothing' -Is (ConvertTo-MachineText) -Should $before
    Test-Equal -What 'unless that is allowed' -Is ((Find $two 'Remove' @{ AllowLockOut = $true }) -like '*dns-out: Removed*') -Should 'True'
    [System.IO.File]::Delete($file)
}
'done'
