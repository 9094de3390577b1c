# The traps of Windows Firewall that a script meets when it runs, one after the other, on a machine of hashtables. Writes a line
# for each check; the name before the colon is that of a test in windows_firewall_traps_test.cpp.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
$store = 'PersistentStore'
function Get-Ours { (Get-Machine).Stores[$store].Values | Where-Object { $_.Group -eq 'hcipolc:prod' -and $_.Name -like 'hcipolc-*' } }
function Get-Named { param ([string] $Part) Get-Ours | Where-Object { $_.Name -like "*$Part*" } }
function Get-Said { param ($Block, [hashtable] $More) @(Get-Warning $Block $More) -join '; ' }

Start-Machine
$null = Find $two 'Apply'
$applied = ConvertTo-MachineText

# 1.1: "-Enabled is an enumeration, $true does not convert", and OverrideBlockRules and the like are Booleans: the stand-in refuses the other.
Test-Equal -What 'EnabledIsAnEnumerationAndFlagsAreBoolean: created' -Is (@(Get-Ours | ForEach-Object { $_.Enabled } | Sort-Object -Unique)) -Should 'True'
(Get-Named 'ping-in')['Enabled'] = 'False'; (Get-Named 'ping-in')['OverrideBlockRules'] = $true; (Get-Named 'ping-in')['LooseSourceMapping'] = $true
$null = Find $two 'Apply'
Test-Equal -What 'EnabledIsAnEnumerationAndFlagsAreBoolean: set' -Is (ConvertTo-MachineText) -Should $applied

# 1.1: without a selector Remove-NetFirewallRule removes all static rules. The stand-in refuses that; nothing is ever named by a pattern.
Reset-Fault
$null = Find $two 'Remove'
$named = @(Get-CallText | Where-Object { $_ -match '^Remove-NetFirewallRule' })
Test-Equal -What 'RemoveWithoutSelectorRemovesAll: each by its name' -Is "$($named.Count -gt 5) $(@($named | Where-Object { $_ -notmatch '^Remove-NetFirewallRule hcipolc-prod-[\w.-]+$' }).Count)" -Should 'True 0'
Test-Equal -What 'RemoveWithoutSelectorRemovesAll: rules of others stay' -Is (@((Get-Machine).Stores[$store].Keys | Sort-Object) -join ' ') -Should 'app-new app-old CoreNet-GP-LSASS-Out-TCP CoreNet-GP-NP-Out-TCP CoreNet-GP-Out-TCP CoreNet-Teredo-Out FailoverClustering-NetFt-UDP-In FPS-SMB-In-TCP in-our-group theirs WMI-WINMGMT-Out-TCP'

# 1.1: the group of a rule cannot be set, so rules in another group stay: somebody must be told.
$null = Find $two 'Apply'
# The compiler's names change with the group.
$other = Edit-Block (Edit-Block $two 'hcipolc:prod' 'Our servers') '(?<=hcipolc-prod-main-[\w.-]+-)[0-9a-f]{8}(?='')' '00000000'
foreach ($mode in 'Verify', 'Apply', 'Remove') { Test-Equal -What "GroupOfARuleCannotBeChanged: $mode warns" -Is ((Get-Said $other @{ Mode = $mode; WhatIf = $true }) -like '*There are rules of this cluster in another group: hcipolc-prod-*Windows cannot give them this one: remove them with the script that made them*') -Should 'True' }
Test-Equal -What 'GroupOfARuleCannotBeChanged: no false alarm' -Is ((Get-Said $two @{ Mode = 'Verify' }) -like '*another group*') -Should 'False'

# 1.1: Set-NetFirewallRule with -DisplayName or -Group beside -Name is ambiguous (NetworkingDsc 130): the stand-in knows neither parameter there.
(Get-Named 'smb-in')['RemoteAddress'] = 'Any'; (Get-Named 'smb-in')['DisplayName'] = 'renamed'
Test-Equal -What 'SetKnowsARuleByItsNameAlone: set' -Is (Find $two 'Apply') -Should 'smb-in: Updated'

# 1.2: other stores are read-only, or gone at the next start.
foreach ($name in 'ActiveStore', 'RSOP', 'SystemDefaults', 'StaticServiceStore', 'ConfigurableServiceStore', 'localhost') {
    Test-Equal -What "OtherStoresAreReadOnlyOrGoneAtRestart: $name" -Is ((Find $two 'Apply' @{ PolicyStore = $name }) -like '! Cannot validate argument on parameter ''PolicyStore''*') -Should 'True'
}

# 1.2: of rules with one name in several stores that of Group Policy is in force. 1.2: local rules may be ignored.
$other = [ordered] @{}
foreach ($key in @((Get-Named 'smb-in').Keys)) { $other[$key] = (Get-Named 'smb-in')[$key] }
(Get-Machine).PolicyRules[$other.Name] = $other
Test-Equal -What 'SameNameInGroupPolicyReplacesTheRule: is found' -Is (Find $two 'Verify') -Should 'smb-in: Not in force'
(Get-Machine).PolicyRules.Clear()
(Get-Machine).Policy['AllowLocalFirewallRules'] = 'False'
Test-Equal -What 'GroupPolicyMayIgnoreLocalRules: is found' -Is (Find $two 'Verify') -Should 'Profile Domain: Not in force; Profile Private: Not in force; Profile Public: Not in force'
(Get-Machine).Policy.Clear()

# 1.3: a block rule of somebody else beats every allow rule; a default of Allow lets everything in; outbound rules do nothing before a default Block.
$other['Name'] = 'b'; $other['Action'] = 'Block'; $other['DisplayName'] = 'Their block'
(Get-Machine).PolicyRules['b'] = $other
Test-Equal -What 'BlockOfOthersBeatsEveryAllow: is warned of' -Is ((Get-Said $two @{ Mode = 'Verify' }) -like '*1 block rules of others are in force and may beat allow rules of the policy: b (Their block)*') -Should 'True'
(Get-Machine).PolicyRules.Clear()
(Get-Machine).Profiles['Private']['DefaultInboundAction'] = 'Allow'
Test-Equal -What 'DefaultInboundAllowLetsEverythingIn: is warned of' -Is ((Get-Said $two @{ Mode = 'Verify' }) -like '*Profile Private: inbound traffic that no rule allows passes (default is Allow).*') -Should 'True'
(Get-Machine).Profiles['Private']['DefaultInboundAction'] = 'NotConfigured'
Test-Equal -What 'OutboundAllowDoesNothingBeforeADefaultBlock: is warned of' -Is ((Get-Said $two @{ Mode = 'Verify' }) -like '*Profile Public: outbound traffic that no rule allows passes (no default Block).*') -Should 'True'

# 1.4: a call for each rule takes a minute for a thousand.
Reset-Fault
$null = Find $two 'Verify'
$filters = @(Get-CallText | Where-Object { $_ -match 'Filter' })
Test-Equal -What 'FiltersAreAskedForOnceNotPerRule: Verify' -Is "$($filters.Count) $(@($filters | Sort-Object -Unique).Count) $(@(Get-CallText | Where-Object { $_ -eq 'Get-NetFirewallRule PersistentStore' }).Count)" -Should '7 7 1'

# 1.5: a server before 2022 has no dynamic keywords at all: nothing is changed if the rules use some, and all works if they do not.
$keywords = @('New', 'Get', 'Remove', 'Update' | ForEach-Object { "$_-NetFirewallDynamicKeywordAddress" })
Hide-Command -Name $keywords
Start-Machine
$before = ConvertTo-MachineText
Test-Equal -What 'DynamicKeywordsNeedServer2022: they stop Apply' -Is (Find $two 'Apply') -Should '! The rules use dynamic keywords, which need Windows Server 2022 (build 20348) or Azure Stack HCI 21H2. Nothing was changed.'
Test-Equal -What 'DynamicKeywordsNeedServer2022: before anything' -Is (ConvertTo-MachineText) -Should $before
$three = "$two" -replace '(?s)\$keywords = @\(.*?\n\)\n', "`$keywords = @(`n)`n" -replace '(?s)    @\{\s+Name          = ''hcipolc-prod-main-x\.(tag|name)-out.*?\n    \}\n', ''
$three = & (Get-Module windows_firewall_machine) { param ($text) [scriptblock]::Create($text) } $three
Test-Equal -What 'DynamicKeywordsNeedServer2022: other rules do not' -Is (Find $three 'Apply') -Should 'cluster-in: Created; dns-out: Created; no-rdp-in: Created; ping-in: Created; rpc-in: Created; smb-in: Created'
Test-Equal -What 'DynamicKeywordsNeedServer2022: nor to verify' -Is (Find $three 'Verify') -Should ''
$null = Find $three 'Remove'
Test-Equal -What 'DynamicKeywordsNeedServer2022: nor to remove' -Is (ConvertTo-MachineText) -Should $before
Show-Command

# 2: names are the same in every language, and display names and groups are not; a narrowed rule of Windows' own is not what it is taken for.
Start-Machine
(Get-Machine).Stores[$store]['FPS-SMB-In-TCP']['DisplayName'] = 'Compartir archivos e impresoras (SMB de entrada)'
Test-Equal -What 'DisplayNamesAreTranslated: enabled by name' -Is "$((Find $one 'Apply') -like '*Built-in FPS-SMB-In-TCP: Set to True*')" -Should 'True'
Test-Equal -What 'WindowsOwnRulesAreNeverEdited: only enabled' -Is (@(Get-CallText | Where-Object { $_ -match 'FPS-SMB|FailoverClustering' }) -join '; ') -Should 'New-ItemProperty Built-in FailoverClustering-NetFt-UDP-In; New-ItemProperty Built-in FPS-SMB-In-TCP; Set-NetFirewallRule FPS-SMB-In-TCP'
$null = Find $one 'Remove'
Start-Machine
# A profile change leaves a copy under a GUID; the rule under the name has lost the profile.
$copy = [ordered] @{}
foreach ($key in @((Get-Machine).Stores[$store]['FPS-SMB-In-TCP'].Keys)) { $copy[$key] = (Get-Machine).Stores[$store]['FPS-SMB-In-TCP'][$key] }
$copy['Name'] = '{9D1B1E2A-0000-4000-8000-000000000001}'; $copy['Profile'] = 'Domain'
(Get-Machine).Stores[$store][$copy['Name']] = $copy
(Get-Machine).Stores[$store]['FPS-SMB-In-TCP']['Profile'] = 'Private, Public'
Test-Equal -What 'WindowsOwnRulesMayBeCopiesForOneProfile: are refused' -Is (Find $one 'Apply') -Should '! Nothing was changed: the policy counts on rules of Windows'' own. Built-in FPS-SMB-In-TCP: Unsuitable Profile is Private, Public, should be Any'
(Get-Machine).Stores[$store]['FPS-SMB-In-TCP']['Profile'] = 'Any'; (Get-Machine).Stores[$store]['FPS-SMB-In-TCP']['RemoteAddress'] = 'LocalSubnet'
Test-Equal -What 'WindowsOwnRulesMayBeForTheLocalSubnet: are refused' -Is ((Find $one 'Apply') -like '! Nothing was changed*Unsuitable RemoteAddress has LocalSubnet and lacks Any') -Should 'True'

# 0.4: a lock-out by a default Block. What goes out from addresses of IPv4 reaches no name server of IPv6.
Start-Machine
New-NetFirewallRule -Name 'v4' -DisplayName 'x' -Group 'Others' -Direction 'Outbound' -Protocol 'UDP' -RemotePort '53' -LocalAddress '10.0.0.11'
(Get-Machine).Cim['Win32_NetworkAdapterConfiguration'] = @{ NameServers = @('fd00:5::53', '10.0.5.99'); DHCPEnabled = $false; DHCPServer = $null }
Test-Equal -What 'ADefaultBlockMayLockTheServerOut: of another family' -Is (Find $one 'Apply') -Should '! With outbound traffic blocked this server could not reach: name server fd00:5::53 UDP/53. Nothing was changed; -AllowLockOut does it all the same.'
(Get-Machine).Stores[$store]['v4']['LocalAddress'] = @('10.0.0.11', 'fd00::11')
Test-Equal -What 'ADefaultBlockMayLockTheServerOut: of both' -Is ((Find $one 'Apply' @{ WhatIf = $true }) -like '!*') -Should 'False'

# Microsoft's rule for Group Policy is for the domain's profile, in which no server is before it has reached a controller.
Start-Machine
foreach ($rule in (Get-Machine).Stores[$store].Values) { if ($rule.Name -like 'CoreNet-GP-*') { $rule['Profile'] = 'Domain' } }
Test-Equal -What 'ADefaultBlockMayLockTheServerOut: of another profile' -Is (Find $one 'Apply') -Should (
    '! With outbound traffic blocked this server could not reach: domain controller 10.0.7.4 TCP/88, domain controller 10.0.7.4 TCP/389, ' +
    'domain controller 10.0.7.4 TCP/135, domain controller 10.0.7.4 TCP/445. Nothing was changed; -AllowLockOut does it all the same.')

# 3.1: values come back in other forms, and a changed one does not pass for one of those.
Start-Machine
$null = Find $two 'Apply'
foreach ($form in @(@('PrefixesComeBackAsMasks', 'smb-in', 'RemoteAddress', '10.0.5.0/255.255.255.240', '10.0.5.0/255.255.255.248'), @('ASingleAddressMayComeBackAsARange', 'dns-out', 'RemoteAddress', '10.0.5.53-10.0.5.53', '10.0.5.53-10.0.5.54'),
        @('ProfileAnyMayComeBackExpanded', 'smb-in', 'Profile', 'Public, Domain, Private', 'Domain, Private'), @('IcmpTypesMayComeBackWithACode', 'ping-in', 'IcmpType', '11:*', '11:0'),
        @('KeywordsMayComeBackInAnotherCase', 'no-rdp-in', 'RemoteAddress', 'ANY', 'LOCALSUBNET'), @('ProtocolsMayComeBackAsNumbers', 'smb-in', 'Protocol', '6', '132'))) {
    $rule = Get-Named $form[1]
    $kept = $rule[$form[2]]
    $rule[$form[2]] = $form[3]
    Test-Equal -What "$($form[0]): is no drift" -Is (Find $two 'Verify') -Should ''
    $rule[$form[2]] = $form[4]
    Test-Equal -What "$($form[0]): another is" -Is ((Find $two 'Verify') -like "$($form[1]): Changed: *$($form[2])*") -Should 'True'
    $rule[$form[2]] = $kept
}
# Lists come back in another order.
$rule = Get-Named 'rpc-in'
Test-Equal -What 'ListsMayComeBackInAnotherOrder: there is one' -Is ($rule['LocalPort'] -join ' ') -Should '135 5000-5099'
$rule['LocalPort'] = @('5000-5099', '135')
Test-Equal -What 'ListsMayComeBackInAnotherOrder: is no drift' -Is (Find $two 'Verify') -Should ''

# 3.1: netsh import replaces the whole local policy: netsh is called for the proxy of WinHTTP alone.
Test-Equal -What 'NetshImportReplacesEverything: is never called' -Is (@([regex]::Matches("$one", '(?i)netsh|advfirewall') | ForEach-Object { $_.Value } | Sort-Object -Unique) -join ' ') -Should 'netsh'
# 3.1: Invoke-Command -FilePath passes arguments by position; a confirmation per rule would stop it.
Test-Equal -What 'ArgumentsByPositionAreTheMode: Verify' -Is (@(& $two 'Verify' -Force 3>$null).Count) -Should 0
Test-Equal -What 'NoQuestionForEachRule: the impact is medium' -Is "$($one.Ast.ParamBlock.Attributes)" -Should '[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = ''Medium'')] [OutputType([pscustomobject])]'

# 3.4: git may turn line ends into CRLF; the rules are the same.
$crlf = & (Get-Module windows_firewall_machine) { param ($text) [scriptblock]::Create($text) } ("$two" -replace "`r?`n", "`r`n")
Test-Equal -What 'LineEndsMayBecomeCrLf: the same rules' -Is (Find $crlf 'Verify') -Should ''

# 5: Set-WinInetProxy writes without asking and knows no -WhatIf.
Start-Machine
Reset-Fault
$null = Find $one 'Apply' @{ WhatIf = $true }
Test-Equal -What 'WinInetProxyKnowsNoWhatIf: is not called' -Is (@(Get-CallText | Where-Object { $_ -match 'Proxy|netsh|agent' }) -join ' ') -Should ''
# 7, ansible 2424: a failure in a tool must not pass unseen.
Start-Machine
& 'Microsoft.PowerShell.Management\Set-Item' -Path 'function:global:netsh.exe' -Value { $global:LASTEXITCODE = 87 }
$before = ConvertTo-MachineText
Test-Equal -What 'ExitCodesOfToolsAreRead: netsh' -Is ((Find $one 'Apply') -like '! netsh.exe winhttp set proxy *failed with code 87.') -Should 'True'
Set-Program -Name 'netsh.exe' -There $true
'done'
