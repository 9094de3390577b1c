# Runs two scripts of one server on a machine of hashtables: the second policy has lost the first one's lock-down, proxy
# and rules of Windows' own, another rule has changed, a service tag has other addresses. Writes a line for each check.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
$folder = Split-Path -Path $First
$store = 'PersistentStore'

function Get-Ours { (Get-Machine).Stores[$store].Values | Where-Object { $_.Group -eq 'hcipolc:prod' -and $_.Name -like 'hcipolc-*' } }
function Get-Named { param ([string] $Part) Get-Ours | Where-Object { $_.Name -like "*$Part*" } }

# ---- Apply, again, another policy, Remove ----
Start-Machine
$empty = ConvertTo-MachineText
$rules = 'dns-out', 'name-out', 'no-rdp-in', 'ping-in', 'tag-out'
$proxies = @('Azure Arc agent', 'Environment', 'WinHTTP', 'WinINet' | ForEach-Object { "Proxy of $_" })
$outbound = @('Domain', 'Private', 'Public' | ForEach-Object { "Outbound $_" })
$missing = @(@('b.example', 'AzureMonitor') + $rules + $proxies | ForEach-Object { "${_}: Missing" }) + @($outbound | ForEach-Object { "${_}: Changed: DefaultOutboundAction" }) +
@($outbound -replace 'Outbound', 'Profile' | ForEach-Object { "${_}: Not in force" }) + 'Built-in FPS-SMB-In-TCP: Disabled'
Test-Equal -What 'Verify' -Is (Find $one 'Verify') -Should (@($missing | Sort-Object) -join '; ')
Test-Equal -What 'WhatIf does nothing' -Is (Find $one 'Apply' @{ WhatIf = $true }) -Should ''
Test-Equal -What 'and changes nothing' -Is "$(Get-Change)$(ConvertTo-MachineText)" -Should $empty
$created = @(@('b.example', 'AzureMonitor') + $rules | ForEach-Object { "${_}: Created" }) + @($proxies | ForEach-Object { "${_}: Set" }) +
@($outbound | ForEach-Object { "${_}: Set to Block" }) + 'Built-in FPS-SMB-In-TCP: Set to True'
Test-Equal -What 'Apply' -Is (Find $one 'Apply') -Should (@($created | Sort-Object) -join '; ')
Test-Equal -What 'Verify is content' -Is (Find $one 'Verify') -Should ''
Reset-Fault
Test-Equal -What 'a second Apply finds nothing' -Is (Find $one 'Apply') -Should ''
Test-Equal -What 'and changes nothing at all' -Is (Get-Change) -Should ''
Test-Equal -What 'Windows'' own rules: the one enabled, the other as it was' -Is "$((Get-Machine).Stores[$store]['FPS-SMB-In-TCP'].Enabled) $((Get-Machine).Stores[$store]['FailoverClustering-NetFt-UDP-In'].Enabled)" -Should 'True True'
$applied = ConvertTo-MachineText

$changed = @(
    'c.example: Created', 'AzureMonitor: Updated', 'cluster-in: Created', 'smb-in: Created', 'name-out: Created', 'name-out: Removed', 'b.example: Removed',
    'Built-in FPS-SMB-In-TCP: Set to False') + @($outbound | ForEach-Object { "${_}: Set to NotConfigured" }) + @($proxies | ForEach-Object { "${_}: Restored" })
$verified = @(
    'c.example: Missing', 'AzureMonitor: Changed: Addresses', 'cluster-in: Missing', 'smb-in: Missing', 'name-out: Missing', 'name-out: Stale',
    'Built-in FPS-SMB-In-TCP: Stale', 'Built-in FailoverClustering-NetFt-UDP-In: Stale') + @($outbound | ForEach-Object { "${_}: Stale" }) + @($proxies | ForEach-Object { "${_}: Stale" })
Test-Equal -What 'Verify of a changed policy' -Is (Find $two 'Verify') -Should (@($verified | Sort-Object) -join '; ')
Reset-Fault
Test-Equal -What 'Apply of it' -Is (Find $two 'Apply') -Should (@($changed | Sort-Object) -join '; ')
$calls = @(Get-Change | Where-Object { $_ -match 'NetFirewall(Rule|Dynamic)' } | ForEach-Object { $_ -replace 'hcipolc-prod-main-x\.', '' -replace '-[0-9a-f]{8}$', '' -replace '\{.*$', 'ID' })
Test-Equal -What 'touches only what changed, and creates before it removes' -Is ($calls -join '; ') -Should (@(
        'Update-NetFirewallDynamicKeywordAddress ID', 'New-NetFirewallDynamicKeywordAddress c.example', 'New-NetFirewallRule smb-in', 'New-NetFirewallRule cluster-in',
        'New-NetFirewallRule name-out', 'Set-NetFirewallRule FPS-SMB-In-TCP', 'Remove-NetFirewallRule name-out', 'Remove-NetFirewallDynamicKeywordAddress ID') -join '; ')
Test-Equal -What 'Verify is content again' -Is (Find $two 'Verify') -Should ''
$null = Find $two 'Remove'
Test-Equal -What 'Remove leaves the machine as it was' -Is (ConvertTo-MachineText) -Should $empty
$null = Find $one 'Apply'
$null = Find $one 'Remove'
Test-Equal -What 'and so does Remove at once' -Is (ConvertTo-MachineText) -Should $empty
Reset-Fault
Test-Equal -What 'a second Remove does nothing' -Is "$(Find $one 'Remove')$(Get-Change)" -Should ''

# ---- drift, property by property ----
$drifts = @(
    @('ping-in', 'IcmpType', @('11', '13'), 'Changed: IcmpType', 'IcmpType has 13'),
    @('ping-in', 'RemoteAddress', @('10.0.5.0/255.255.255.0'), 'Changed: RemoteAddress', 'RemoteAddress has 10.0.5.0/255.255.255.0 and lacks 10.0.5.0/28'),
    @('ping-in', 'LocalAddress', 'Any', 'Changed: LocalAddress', 'LocalAddress has Any and lacks 10.0.0.11'),
    @('no-rdp-in', 'LocalPort', @('3390'), 'Changed: LocalPort', 'LocalPort has 3390 and lacks 3389'),
    @('no-rdp-in', 'RemotePort', @('1024-65535'), 'Changed: RemotePort', 'RemotePort has 1024-65535 and lacks Any'),
    @('no-rdp-in', 'Action', 'Allow', 'Changed: Action', 'Action is Allow, should be Block'),
    @('no-rdp-in', 'Direction', 'Outbound', 'Changed: Direction', 'Direction is Outbound, should be Inbound'),
    @('no-rdp-in', 'Profile', 'Domain, Private', 'Changed: Profile', 'Profile is Domain, Private, should be Any'),
    @('no-rdp-in', 'Program', 'c:\x.exe', 'Changed: Program', 'Program is c:\x.exe, should be Any'),
    @('no-rdp-in', 'Service', 'winrm', 'Changed: Service', 'Service is winrm, should be Any'),
    @('no-rdp-in', 'Package', 'S-1-15', 'Changed: Package', 'Package is S-1-15, should be Any'),
    @('no-rdp-in', 'InterfaceAlias', @('vEthernet'), 'Changed: InterfaceAlias', 'InterfaceAlias has vEthernet and lacks Any'),
    @('no-rdp-in', 'InterfaceType', 'Wired', 'Changed: InterfaceType', 'InterfaceType is Wired, should be Any'),
    @('no-rdp-in', 'EdgeTraversalPolicy', 'Allow', 'Changed: EdgeTraversalPolicy', 'EdgeTraversalPolicy is Allow, should be Block'),
    @('no-rdp-in', 'LooseSourceMapping', $true, 'Changed: LooseSourceMapping', 'LooseSourceMapping is True, should be False'),
    @('no-rdp-in', 'Owner', 'S-1-5', 'Changed: Owner', 'Owner is S-1-5, should be Any'),
    @('no-rdp-in', 'PackageFamilyName', 'a_b', 'Changed: PackageFamilyName', 'PackageFamilyName is a_b, should be Any'),
    @('no-rdp-in', 'PolicyAppId', 'x', 'Changed: PolicyAppId', 'PolicyAppId is x, should be Any'),
    @('no-rdp-in', 'DynamicTarget', 'ProximityApps', 'Changed: DynamicTarget', 'DynamicTarget is ProximityApps, should be Any'),
    @('ping-in', 'Authentication', 'Required', 'Changed: Authentication', 'Authentication is Required, should be NotRequired'),
    @('ping-in', 'Encryption', 'Required', 'Changed: Encryption', 'Encryption is Required, should be NotRequired'),
    @('ping-in', 'OverrideBlockRules', $true, 'Changed: OverrideBlockRules', 'OverrideBlockRules is True, should be False'),
    @('ping-in', 'LocalUser', 'D:(A;;CC;;;S-1)', 'Changed: LocalUser', 'LocalUser is D:(A;;CC;;;S-1), should be Any'),
    @('ping-in', 'RemoteUser', 'D:(A;;CC;;;S-1)', 'Changed: RemoteUser', 'RemoteUser is D:(A;;CC;;;S-1), should be Any'),
    @('ping-in', 'RemoteMachine', 'D:(A;;CC;;;S-1)', 'Changed: RemoteMachine', 'RemoteMachine is D:(A;;CC;;;S-1), should be Any'),
    @('ping-in', 'Enabled', 'False', 'Disabled', ''))
# Who makes the block of Remote Desktop an allow opens a way in, which is not the last one.
New-NetFirewallRule -Name 'WINRM-HTTP-In-TCP' -DisplayName 'x' -Group '@FirewallAPI.dll,-1' -Protocol 'TCP' -LocalPort '5985'
$null = Find $two 'Apply'
$applied = ConvertTo-MachineText
foreach ($drift in $drifts) {
    $rule, $property, $value, $finding, $detail = $drift
    (Get-Named $rule)[$property] = $value
    $edited = ConvertTo-MachineText
    $found = @(& $two -Mode Verify -Force 3>$null)
    Test-Equal -What "drift of $property" -Is "$($found.Count) $($found[0].Finding) | $($found[0].Detail)" -Should "1 $finding | $detail"
    Reset-Fault
    $null = Find $two 'Apply'
    Test-Equal -What "Apply mends $property" -Is (ConvertTo-MachineText) -Should $applied
    $steps = @('Set-NetFirewallRule', 'Remove-NetFirewallRule New-NetFirewallRule')[$property -in 'Owner', 'Package', 'PackageFamilyName', 'PolicyAppId']
    Test-Equal -What "$property in place, if it can be" -Is (@(Get-Change) -replace ' .*$', '') -Should $steps
    # A failure after it takes it back.
    (Get-Named $rule)[$property] = $value
    (Get-Machine).Profiles['Domain']['DefaultOutboundAction'] = 'Allow'
    $edited = ConvertTo-MachineText
    Reset-Fault -Always 'Remove-NetFirewallRule'
    $null = Find $two 'Remove'
    Test-Equal -What "a failed Remove keeps $property" -Is (ConvertTo-MachineText) -Should $edited
    Reset-Fault
    (Get-Machine).Profiles['Domain']['DefaultOutboundAction'] = 'NotConfigured'
    $null = Find $two 'Apply'
}
# Windows may give values back in another form.
foreach ($form in @(@('ping-in', 'IcmpType', '11:*'), @('ping-in', 'Protocol', '1'), @('ping-in', 'LocalAddress', '10.0.0.11-10.0.0.11'), @('ping-in', 'RemoteAddress', '10.0.5.0-10.0.5.15'),
        @('no-rdp-in', 'Profile', 'Domain, Private, Public'), @('no-rdp-in', 'Protocol', '6'), @('no-rdp-in', 'Action', 'BLOCK'), @('no-rdp-in', 'Program', ''), @('no-rdp-in', 'LocalAddress', '10.0.0.11/255.255.255.255'),
        @('name-out', 'RemoteDynamicKeywordAddresses', @((Get-Named 'name-out').RemoteDynamicKeywordAddresses -replace '[{}]', '')))) {
    $former = (Get-Named $form[0])[$form[1]]
    (Get-Named $form[0])[$form[1]] = $form[2]
    Test-Equal -What "$($form[1]) in another form is no drift" -Is (Find $two 'Verify') -Should ''
    (Get-Named $form[0])[$form[1]] = $former
}
# A protocol has its ports with it.
$rule = Get-Named 'no-rdp-in'
$rule['Protocol'] = 'ICMPv4'; $rule['LocalPort'] = 'Any'; $rule['IcmpType'] = '8'
Test-Equal -What 'drift of the protocol' -Is (Find $two 'Verify') -Should 'no-rdp-in: Changed: IcmpType, LocalPort, Protocol'
Test-Equal -What 'is mended' -Is "$(Find $two 'Apply') $((ConvertTo-MachineText) -ceq $applied)" -Should "no-rdp-in: Restored $((ConvertTo-MachineText) -ceq $applied)"
Test-Equal -What 'whole' -Is (ConvertTo-MachineText) -Should $applied
$rule = Get-Named 'smb-in'
(Get-Machine).Stores[$store].Remove($rule.Name)
Test-Equal -What 'a rule that somebody removed' -Is "$(Find $two 'Verify'), $(Find $two 'Apply')" -Should 'smb-in: Missing, smb-in: Created'

Test-Equal -What 'rules of others in the group are warned of' -Is (@(Get-Warning $two @{ Mode = 'Verify' }) -match 'in the group') -Should (
    'Rules in the group that the policy did not make, and Apply leaves alone: in-our-group')

# ---- what takes the rules out of force ----
function Get-InForce { @(& $two -Mode Verify -Force 3>$null | ForEach-Object { "$($_.Name): $($_.Finding). $($_.Detail)" }) -join '; ' }
(Get-Machine).Policy['AllowLocalFirewallRules'] = 'False'
$text = 'Not in force. Group Policy has local rules ignored (AllowLocalFirewallRules).'
Test-Equal -What 'a Group Policy that overrides' -Is (Get-InForce) -Should (@('Domain', 'Private', 'Public' | ForEach-Object { "Profile ${_}: $text" }) -join '; ')
(Get-Machine).Policy.Clear()
(Get-Machine).Profiles['Public']['Enabled'] = 'False'
Test-Equal -What 'a firewall that is off' -Is (Get-InForce) -Should 'Profile Public: Not in force. The firewall is off.'
(Get-Machine).Profiles['Public']['Enabled'] = 'True'
(Get-Machine).Policy['AllowInboundRules'] = 'False'
Test-Equal -What 'no inbound rules' -Is (Get-InForce) -Should (@('Domain', 'Private', 'Public' | ForEach-Object { "Profile ${_}: Not in force. Inbound rules are ignored (AllowInboundRules is False)." }) -join '; ')
(Get-Machine).Policy.Clear()
$other = [ordered] @{}
foreach ($key in @($rule.Keys)) { $other[$key] = $rule[$key] }
(Get-Machine).PolicyRules[$rule.Name] = $other
Test-Equal -What 'a rule of Group Policy with our name' -Is (Get-InForce) -Should "$($rule.Name): Not in force. A rule of Group Policy has this name and replaces it."
(Get-Machine).PolicyRules.Clear()
$other['Name'] = 'gpo-block'; $other['Action'] = 'Block'; $other['DisplayName'] = 'Their block'
(Get-Machine).PolicyRules['gpo-block'] = $other
Test-Equal -What 'a block rule of theirs is warned of' -Is (@(Get-Warning $two @{ Mode = 'Verify' }) -match 'block rules') -Should '1 block rules of others are in force and may beat allow rules of the policy: gpo-block (Their block)'
(Get-Machine).PolicyRules.Clear()
foreach ($case in @(@('Version', '4.18.2208.1', 'Defender Antivirus is version 4.18.2208.1; resolving names needs 4.18.2209.7.'),
        @('Protection', 0, 'Network protection is off (Set-MpPreference -EnableNetworkProtection Enabled).'),
        @('OnServers', $false, 'Network protection is not allowed on servers (Set-MpPreference -AllowNetworkProtectionOnWinServer $true).'))) {
    $former = (Get-Machine).Defender[$case[0]]
    (Get-Machine).Defender[$case[0]] = $case[1]
    Test-Equal -What "names need $($case[0])" -Is (Get-InForce) -Should "Rules by host name: Not in force. $($case[2])"
    (Get-Machine).Defender[$case[0]] = $former
}

# ---- lock-down ----
Start-Machine
(Get-Machine).Stores[$store].Remove('theirs')
Test-Equal -What 'lock-down without a way to the domain controller' -Is (Find $one 'Apply') -Should (
    '! With outbound traffic blocked this server could not reach: domain controller 10.0.7.4 UDP/389. Nothing was changed; -AllowLockOut does it all the same.')
Test-Equal -What 'changes nothing' -Is (Get-Change) -Should ''
(Get-Machine).Cim['Win32_NetworkAdapterConfiguration'] = @{ NameServers = @('10.0.5.54', '10.0.5.53'); DHCPEnabled = $true; DHCPServer = '10.0.5.1' }
(Get-Machine).Cim['Win32_NTDomain'] = @()
Test-Equal -What 'nor to name server and DHCP server' -Is (Find $one 'Apply') -Should (
    '! With outbound traffic blocked this server could not reach: name server 10.0.5.54 UDP/53, DHCP server 10.0.5.1 UDP/67, DHCP servers by 255.255.255.255 UDP/67, the domain controllers (none was found). Nothing was changed; -AllowLockOut does it all the same.')
Test-Equal -What 'unless that is allowed' -Is (@((Find $one 'Apply' @{ AllowLockOut = $true }) -split '; ' -match 'Outbound') -join '; ') -Should (@($outbound | ForEach-Object { "${_}: Set to Block" }) -join '; ')
Reset-Fault
$null = Find $one 'Remove'
$order = @(Get-Change | ForEach-Object { ($_ -split ' ')[0] })
Test-Equal -What 'Remove opens before it removes rules' -Is ([array]::LastIndexOf($order, 'Set-NetFirewallProfile') -lt [array]::IndexOf($order, 'Remove-NetFirewallRule')) -Should 'True'
# A block rule in the way counts.
Start-Machine
New-NetFirewallRule -Name 'their-block' -DisplayName 'x' -Group 'Others' -Direction 'Outbound' -Action 'Block' -Protocol 'TCP' -RemotePort '80-100'
Test-Equal -What 'a block rule in the way' -Is (Find $one 'Apply') -Should '! With outbound traffic blocked this server could not reach: domain controller 10.0.7.4 TCP/88. Nothing was changed; -AllowLockOut does it all the same.'
# Somebody who has set it already keeps it.
Start-Machine
foreach ($name in @('Domain', 'Private', 'Public')) { (Get-Machine).Profiles[$name]['DefaultOutboundAction'] = 'Block' }
$null = Find $one 'Apply'
$null = Find $one 'Remove' @{ AllowLockOut = $true }
Test-Equal -What 'Remove leaves a Block of others' -Is ((Get-Machine).Profiles['Public']['DefaultOutboundAction']) -Should 'Block'

# ---- rules of Windows' own ----
foreach ($case in @(@('RemoteAddress', 'LocalSubnet', 'RemoteAddress has LocalSubnet and lacks Any'), @('Profile', 'Domain', 'Profile is Domain, should be Any'), @('LocalPort', '446', 'LocalPort has 446 and lacks 445'), @('Action', 'Block', 'Action is Block, should be Allow'))) {
    Start-Machine
    (Get-Machine).Stores[$store]['FPS-SMB-In-TCP'][$case[0]] = $case[1]
    Test-Equal -What "Windows' own rule with another $($case[0])" -Is (Find $one 'Apply') -Should "! Nothing was changed: the policy counts on rules of Windows' own. Built-in FPS-SMB-In-TCP: Unsuitable $($case[2])"
    Test-Equal -What 'is left alone' -Is (Get-Change) -Should ''
}
Start-Machine
(Get-Machine).Stores[$store].Remove('FPS-SMB-In-TCP')
Test-Equal -What 'Windows'' own rule that is not there' -Is (Find $one 'Apply') -Should '! Nothing was changed: the policy counts on rules of Windows'' own. Built-in FPS-SMB-In-TCP: Missing This machine does not have this rule: is its feature installed?'

# ---- backup and restore ----
Start-Machine
$null = Find $one 'Apply'
$applied = ConvertTo-MachineText
$file = Join-Path $folder 'backup.json'
Reset-Fault
Test-Equal -What 'Backup' -Is (@(Find $one 'Backup' @{ BackupPath = $file }) -replace '^.*backup', 'backup') -Should 'backup.json: Written'
Test-Equal -What 'changes nothing' -Is (Get-Change) -Should ''
Test-Equal -What 'is not overwritten' -Is (Find $one 'Backup' @{ BackupPath = $file }) -Should "! Nothing was changed: $file is there already and is not overwritten. It may be of a run that failed, from before it: keep it, and name another file."
$null = Find $two 'Apply'
(Get-Named 'ping-in')['IcmpType'] = '13'
$null = Find $two 'Restore' @{ BackupPath = $file; WhatIf = $true }
Reset-Fault
$said = Find $two 'Restore' @{ BackupPath = $file }
Test-Equal -What "Restore, with another policy's script: $said" -Is ($said -like '*ping-in: Restored*') -Should 'True'
Test-Equal -What 'puts everything back' -Is (ConvertTo-MachineText) -Should $applied
Reset-Fault
Test-Equal -What 'a second Restore does nothing' -Is "$(Find $one 'Restore' @{ BackupPath = $file })$(Get-Change)" -Should ''
$null = Find $one 'Remove' @{ BackupPath = (Join-Path $folder 'before-remove.json') }
Test-Equal -What 'Restore after Remove' -Is "$((Find $one 'Restore' @{ BackupPath = (Join-Path $folder 'before-remove.json') }).Length -gt 0) $(((ConvertTo-MachineText) -join '') -ceq ($applied -join ''))" -Should 'True True'
$text = [System.IO.File]::ReadAllText($file)
foreach ($case in @(@('"Group": "hcipolc:prod",', '"Group": "other",', ' its Group is ''other'' and not ''hcipolc:prod''.'), @('"Name": "hcipolc-prod-main-x.dns', '"Name": "x.dns', 'rule x.dns-out of the backup is not ours.'),
        @('"Server": "e1"', '"Server": "e2"', ' its Server is ''e2'' and not ''e1''.'))) {
    [System.IO.File]::WriteAllText($file, ($text -replace $case[0], $case[1]))
    Reset-Fault
    $said = Find $one 'Restore' @{ BackupPath = $file }
    Test-Equal -What 'a backup of something else' -Is "$($said -replace '^.*(?= its )|^.*(?=rule )|-[0-9a-f]{8}(?= of)', '')$(Get-Change)" -Should $case[2]
}

# A backup is what a run that is not refused starts with.
Start-Machine
(Get-Machine).Stores[$store].Remove('theirs')
$file = Join-Path $folder 'refused.json'
Test-Equal -What 'a refused Apply' -Is ((Find $one 'Apply' @{ BackupPath = $file }) -like '! With outbound*') -Should 'True'
Test-Equal -What 'leaves no backup' -Is ([System.IO.File]::Exists($file)) -Should 'False'
Test-Equal -What 'so that the next one can' -Is ((Find $one 'Apply' @{ BackupPath = $file; AllowLockOut = $true }) -like '*refused.json: Written*') -Should 'True'

# What the policy never sets is not put back, whoever set it meanwhile.
Start-Machine
$file = Join-Path $folder 'unchanged.json'
$null = Find $two 'Apply' @{ BackupPath = $file }
(Get-Machine).Profiles['Public']['DefaultOutboundAction'] = 'Block'
Test-Equal -What 'Restore of a policy without lock-down' -Is ((Find $two 'Restore' @{ BackupPath = $file; AllowLockOut = $true }) -like '*Outbound*') -Should 'False'
Test-Equal -What 'leaves outbound actions alone' -Is ((Get-Machine).Profiles['Public']['DefaultOutboundAction']) -Should 'Block'
# What it has set is.
Start-Machine
$file = Join-Path $folder 'locked.json'
$null = Find $one 'Apply'
$null = Find $two 'Backup' @{ BackupPath = $file }
$applied = ConvertTo-MachineText
$null = Find $two 'Apply'
$null = Find $two 'Restore' @{ BackupPath = $file }
Test-Equal -What 'Restore puts back what an earlier version had set' -Is (ConvertTo-MachineText) -Should $applied

# ---- names that somebody else has ----
Start-Machine
$null = Find $two 'Apply'
$name = (Get-Named 'dns-out').Name
$null = Find $two 'Remove'
New-NetFirewallRule -Name $name -DisplayName 'x' -Group 'Others' -Direction 'Outbound'
$before = ConvertTo-MachineText
Test-Equal -What 'a rule of somebody else with the name of ours' -Is (Find $two 'Apply') -Should "! Nothing was changed: rules that are not ours have these names: $name."
Test-Equal -What 'stays as it is' -Is (ConvertTo-MachineText) -Should $before
Start-Machine
$before = ConvertTo-MachineText
Reset-Fault -Intruder '*dns-out*'
Test-Equal -What 'one that comes in between' -Is (Find $two 'Apply') -Should "! There is a rule $name"
Test-Equal -What 'is not undone with the rest' -Is "$((Get-Machine).Stores[$store][$name].Group)" -Should 'Others'
(Get-Machine).Stores[$store].Remove($name)
Test-Equal -What 'which is' -Is (ConvertTo-MachineText) -Should $before

# ---- the server ----
function Invoke-Unforced { param ([scriptblock] $Block, [hashtable] $More) try { @(& $Block @More 3>&1 | ForEach-Object { "$_" }) -join '; ' } catch { "! $_" } }
Start-Machine
$null = Find $two 'Apply'
$before = ConvertTo-MachineText
(Get-Machine).Cards = @('10.0.0.12'); Set-StandIn
$wrong = 'This machine has none of the addresses of server e1 (10.0.0.11).'
foreach ($mode in 'Apply', 'Remove', 'Restore') { Test-Equal -What "$mode on another server" -Is (Invoke-Unforced $two @{ Mode = $mode; BackupPath = (Join-Path $folder 'none.json') }) -Should "! $wrong Nothing was changed; -Force does it all the same." }
foreach ($mode in 'Verify', 'Backup') { Test-Equal -What "$mode on another server warns" -Is ((Invoke-Unforced $two @{ Mode = $mode; BackupPath = (Join-Path $folder 'other.json') }) -split '; ' -contains $wrong) -Should 'True' }
Test-Equal -What 'Remove by force' -Is ((Find $two 'Remove') -like '*dns-out: Removed*') -Should 'True'
Start-Machine
Test-Equal -What 'addresses that the policy has' -Is (@(Get-Warning $two @{ Mode = 'Verify' }) -match 'addresses') -Should ''
(Get-Machine).Cards = @('10.0.0.11', '10.77.0.9', '127.0.0.1', '169.254.9.9', 'fd00::11', 'fe80::1%3'); Set-StandIn
$text = 'The rules are for the addresses of the policy, and not for others of this server: 10.77.0.9, fd00::11'
foreach ($mode in 'Verify', 'Apply') { Test-Equal -What "$mode and addresses that it lacks" -Is (@(Get-Warning $two @{ Mode = $mode }) -match 'addresses') -Should $text }

# ---- exceptions end ----
Start-Machine
$dated = Edit-Block $two "(Action        = 'Allow')(\s+Protocol      = 'ICMPv4')" "`$1`n        Until         = '2022-06-30'`$2"
Test-Equal -What 'an exception on its last day' -Is "$((Find $dated 'Apply') -like '*ping-in: Created*') $(Find $dated 'Verify')" -Should 'True '
$applied = ConvertTo-MachineText
$file = Join-Path $folder 'dated.json'
$null = Find $dated 'Backup' @{ BackupPath = $file }
(Get-Machine).Today = '2022-07-01'; Set-StandIn
Test-Equal -What 'the day after' -Is (@(& $dated -Mode Verify -Force 3>$null | ForEach-Object { "$($_.Name -replace '^.*x\.|-\w+$', ''): $($_.Finding). $($_.Detail)" })) -Should (
    'ping-in: Expired. The exception ended on 2022-06-30; build the policy anew, deny rules have a gap for it')
Test-Equal -What 'Apply takes it away' -Is (Find $dated 'Apply') -Should 'ping-in: Removed'
Test-Equal -What 'and says so' -Is (@(Get-Warning $dated @{ Mode = 'Apply' }) -match 'ended') -Should "$((Get-Content -Raw $file | ConvertFrom-Json).Rule.PSObject.Properties.Name -match 'ping-in') is left out: its exception ended on 2022-06-30. Build the policy anew."
Test-Equal -What 'Verify goes on saying it' -Is (Find $dated 'Verify') -Should 'ping-in: Expired'
Test-Equal -What 'Apply does not bring it back' -Is (Find $dated 'Apply') -Should ''
Test-Equal -What 'nor does Restore' -Is (Find $dated 'Restore' @{ BackupPath = $file }) -Should ''
(Get-Machine).Today = '2022-06-30'; Set-StandIn
$null = Find $dated 'Apply'
Test-Equal -What 'the clock is the machine''s' -Is (ConvertTo-MachineText) -Should $applied

# ---- what is shown before it is done ----
Start-Machine
$shown = @(& $two -Mode Verify -Force 3>$null | Where-Object { $_.Finding -eq 'Missing' } | ForEach-Object { $_.Detail } | Sort-Object)
Test-Equal -What 'missing rules are described' -Is ($shown -match 'bound') -Should @('Inbound Allow ICMPv4 11 from 10.0.5.0/28', 'Inbound Allow TCP 445 from 10.0.5.0/28', 'Inbound Allow UDP 3343 from 10.0.5.0/28',
    'Inbound Block TCP 3389 from Any', 'Outbound Allow TCP 443 to AzureMonitor', 'Outbound Allow TCP 443 to c.example', 'Outbound Allow UDP 53 to 10.0.5.53')
function Get-Asked { @(& $two -Mode Apply -Force -Verbose 3>$null 4>&1 6>$null | Where-Object { $_ -is [System.Management.Automation.VerboseRecord] } | ForEach-Object { "$_" -replace 'hcipolc-prod-main-x\.|-[0-9a-f]{8}(?=")', '' }) }
Test-Equal -What 'and before they are made' -Is (@(Get-Asked) -match 'dns-out') -Should 'Performing the operation "Create firewall rule: Outbound Allow UDP 53 to 10.0.5.53" on target "dns-out".'
(Get-Named 'dns-out')['RemoteAddress'] = @('10.0.5.54')
Test-Equal -What 'or set' -Is (@(Get-Asked)) -Should 'Performing the operation "Set firewall rule: Changed: RemoteAddress RemoteAddress has 10.0.5.54 and lacks 10.0.5.53" on target "dns-out".'

# ---- the exit code, of a file ----
Start-Machine
$path = Join-Path $folder 'run.ps1'
# A file sees no classes of the module.
[System.IO.File]::WriteAllText($path, "$two".Replace('[StandIn]::GetAll', '[System.Net.NetworkInformation.NetworkInterface]::GetAll').Replace('[StandIn]::Today', '[System.DateTime]::Today').Replace('[StandIn]::Is64', '[System.Environment]::Is64').Replace('[StandIn]::ShouldProcess($PSCmdlet, ', '$PSCmdlet.ShouldProcess('))
function Get-ExitCode { param ([string] $Mode) $global:LASTEXITCODE = 99; $null = & $path -Mode $Mode -Force 3>$null; $global:LASTEXITCODE }
Test-Equal -What 'Verify of a server without the rules' -Is (Get-ExitCode 'Verify') -Should 2
$null = & $path -Mode Apply -Force 3>$null
Test-Equal -What 'Verify when all is well' -Is (Get-ExitCode 'Verify') -Should 0
(Get-Machine).Policy['AllowLocalFirewallRules'] = 'False'
Test-Equal -What 'Verify when Group Policy overrides' -Is (Get-ExitCode 'Verify') -Should 3
(Get-Named 'ping-in')['Enabled'] = 'False'
Test-Equal -What 'Verify when both' -Is (Get-ExitCode 'Verify') -Should 2
$null = & $path -Mode Apply -Force 3>$null
(Get-Machine).Policy.Clear()
[System.IO.File]::WriteAllText($path, ([System.IO.File]::ReadAllText($path) -replace "(Action        = 'Allow')(\s+Protocol      = 'ICMPv4')", "`$1`n        Until         = '2020-01-01'`$2"))
Test-Equal -What 'Verify when an exception has ended' -Is (Get-ExitCode 'Verify') -Should 2
$null = & $path -Mode Apply -Force 3>$null
Test-Equal -What 'also when Apply has taken it away' -Is (Get-ExitCode 'Verify') -Should 2

# ---- older servers ----
Start-Machine
Set-Program -Name 'New-NetFirewallDynamicKeywordAddress' -There $false
Test-Equal -What 'dynamic keywords on an older server' -Is (Find $two 'Apply') -Should (
    '! The rules use dynamic keywords, which need Windows Server 2022 (build 20348) or Azure Stack HCI 21H2. Nothing was changed.')
Test-Equal -What 'change nothing' -Is (Get-Change) -Should ''
'done'
