# A machine of hashtables with the cmdlets that the scripts for Windows Firewall call: NetSecurity, the registry, CIM,
# Defender. Like those of a module, the functions do not see the preferences of the script that calls them, and
# they report errors that stop nobody who has not said -ErrorAction Stop. Any call can be told to fail.

$script:machine = $null
$script:calls = [System.Collections.Generic.List[string]]::new()
$script:failAt = 0 # the number of the call that fails, from 1
$script:failAfter = $false # it fails after it has done its work
$script:failAlways = '' # a command that always fails
$script:failOnce = '' # calls of which the first one fails
$script:stopAt = 0 # the number of the call that does not come back
$script:intruder = '' # names of rules that somebody else makes just before the script
$script:rival = '' # names of rules that another run of it makes just before
$script:failed = $false # whether the fault has happened

$script:parameters = 'Name', 'DisplayName', 'Description', 'Group', 'Enabled', 'Profile', 'Direction', 'Action', 'EdgeTraversalPolicy',
'LooseSourceMapping', 'LocalOnlyMapping', 'Owner', 'PackageFamilyName', 'PolicyAppId', 'Protocol', 'LocalPort', 'RemotePort', 'IcmpType', 'DynamicTarget', 'LocalAddress', 'RemoteAddress',
'RemoteDynamicKeywordAddresses', 'Program', 'Package', 'Service', 'InterfaceAlias', 'InterfaceType', 'Authentication', 'Encryption',
'OverrideBlockRules', 'LocalUser', 'RemoteUser', 'RemoteMachine'
$script:defaults = @{
    Description = ''; Group = ''; Enabled = 'True'; Profile = 'Any'; Direction = 'Inbound'; Action = 'Allow'; EdgeTraversalPolicy = 'Block'
    LooseSourceMapping = $false; LocalOnlyMapping = $false; Owner = ''; PackageFamilyName = ''; PolicyAppId = ''; Protocol = 'Any'; LocalPort = 'Any'; RemotePort = 'Any'; IcmpType = 'Any'
    DynamicTarget = 'Any'; LocalAddress = 'Any'; RemoteAddress = 'Any'; RemoteDynamicKeywordAddresses = $null; Program = 'Any'; Package = ''
    Service = 'Any'; InterfaceAlias = 'Any'; InterfaceType = 'Any'; Authentication = 'NotRequired'; Encryption = 'NotRequired'
    OverrideBlockRules = $false; LocalUser = 'Any'; RemoteUser = 'Any'; RemoteMachine = 'Any'
}

function Reset-Machine {
    $profiles = [ordered] @{}
    foreach ($name in 'Domain', 'Private', 'Public') {
        $profiles[$name] = @{
            Enabled = 'True'; DefaultInboundAction = 'NotConfigured'; DefaultOutboundAction = 'NotConfigured'; AllowInboundRules = 'True'
            AllowLocalFirewallRules = 'True'
        }
    }
    $script:machine = @{
        Stores = @{ PersistentStore = [ordered] @{} }; Objects = @{}; Policy = @{}; PolicyRules = [ordered] @{}; Profiles = $profiles; Keywords = [ordered] @{}
        Registry = @{}; Routes = @{}; Cards = @('10.0.0.11', '127.0.0.1', '::1', '169.254.1.7', 'fe80::7%4'); Today = '2022-06-30'; Agent = @{ 'proxy.url' = ''; 'proxy.bypass' = '[]' }; Variables = @{}; Cim = @{}; Defender = @{ Version = '4.18.24090.11'; Protection = 1; OnServers = $true }
    }
    Set-StandIn
    Reset-Fault
}
function Reset-Fault {
    param ([int] $At = 0, [switch] $After, [string] $Always = '', [string] $Once = '', [int] $StopAt = 0, [string] $Intruder = '', [string] $Rival = '')
    $script:failOnce = $Once
    $script:intruder = $Intruder
    $script:rival = $Rival
    $script:closed = 0
    $script:stopAt = $StopAt
    $script:calls.Clear()
    $script:failAt = $At
    $script:failAfter = [bool] $After
    $script:failAlways = $Always
    $script:failed = $false
}
function Get-Machine { $script:machine }
function Set-Refused { param ([string] $Pattern) [StandIn]::Refused = $Pattern }
function Set-Bitness { param ([bool] $System, [bool] $Process) [StandIn]::Is64BitOperatingSystem = $System; [StandIn]::Is64BitProcess = $Process }
# What types of Windows and the clock say.
function Set-StandIn { [StandIn]::Variables = $script:machine.Variables; [StandIn]::Cards = $script:machine.Cards; [StandIn]::Today = $script:machine.Today }
# A copy to go back to, and everything as text. Methods, since both are called for every fault: a call of a function costs
# ten times what it does here.
class Tree {
    static [object] Copy([System.Collections.IDictionary] $from) {
        $copy = if ($from -is [hashtable]) { @{} } else { [ordered] @{} }
        foreach ($pair in $from.GetEnumerator()) {
            $value = $pair.Value
            $copy[$pair.Key] = if ($value -is [System.Collections.IDictionary]) { [Tree]::Copy($value) } else { , $value }
        }
        return $copy
    }
    static [void] Write([System.Collections.IDictionary] $from, [string] $indent, [System.Collections.Generic.List[string]] $lines) {
        $keys = [string[]] @($from.Keys)
        [array]::Sort($keys, [System.StringComparer]::OrdinalIgnoreCase)
        foreach ($key in $keys) {
            $value = $from[$key]
            if ($value -isnot [System.Collections.IDictionary]) { $lines.Add("$indent$key = $(@($value) -join ' ')"); continue }
            $lines.Add("$indent$key")
            [Tree]::Write($value, "$indent ", $lines)
        }
    }
}
function Copy-Value { param ($Value) [Tree]::Copy($Value) }
function Copy-Machine { Copy-Value -Value $script:machine }
function Restore-Machine { param ($Copy) $script:machine = Copy-Value -Value $Copy; Set-StandIn; Reset-Fault }
function Test-Failed { $script:failed }
function Get-CallText { $script:calls.ToArray() }
function Get-Change { @($script:calls | Where-Object { $_ -match '^(New|Set|Remove|Update|Enable|Disable|Save|Delete)-?' }) }

# Everything that anybody could notice, as text.
# An open session is nothing that anybody could notice.
function ConvertTo-MachineText { $seen = $script:machine.Clone(); $seen.Remove('Sessions'); ConvertTo-Sorted -Value $seen }
function ConvertTo-Sorted { param ($Value) $lines = [System.Collections.Generic.List[string]]::new(); [Tree]::Write($Value, '', $lines); $lines.ToArray() }

# Use-Call says whether the call may do its work; Complete-Call comes after that. Both report the fault.
function Use-Call {
    param ([string] $Command, [string] $Subject = '')
    $script:calls.Add("$Command $Subject".Trim())
    # Somebody waits for this and then stops the script.
    if ($script:calls.Count -eq $script:stopAt) { $null = $global:reached.Set(); Start-Sleep -Seconds 300 }
    if ($script:failAlways -eq $Command) { throw "$Command is broken" }
    if ($script:failOnce -ne '' -and $script:calls[-1] -like $script:failOnce) { $script:failOnce = ''; throw "$Command fails once" }
    if ($script:calls.Count -eq $script:failAt -and -not $script:failAfter) { $script:failed = $true; throw "call $script:failAt fails" }
}
function Complete-Call {
    if ($script:calls.Count -eq $script:failAt -and $script:failAfter) { $script:failed = $true; throw "call $script:failAt fails after its work" }
}

# Windows gives prefixes of IPv4 back with a mask.
function ConvertTo-Shown {
    param ([string[]] $Address)
    foreach ($item in $Address) {
        $pair = $item -split '/'
        if ($item -match '^::1?$|^0\.0\.0\.0/0$|[^0-9a-fA-F.:/-]' -and $item -notin 'Any', 'LocalSubnet') { throw "The address is invalid: $item" }
        if ($pair.Count -lt 2 -or $item.Contains(':') -or $pair[1].Contains('.')) { $item; continue }
        $mask = for ($i = 0; $i -lt 4; $i++) { 256 - [math]::Pow(2, 8 - [math]::Max(0, [math]::Min(8, [int] $pair[1] - 8 * $i))) }
        '{0}/{1}' -f $pair[0], ($mask -join '.')
    }
}

# [MS-FASP] 2.2.37 and the cmdlets' pages: what Windows refuses.
function Assert-Rule {
    param ([System.Collections.IDictionary] $Rule)
    if ($Rule['Name'] -match '[|*?\[\]]' -or $Rule['Name'].Length -gt 511) { throw "The name is invalid: $($Rule['Name'])" }
    foreach ($name in 'DisplayName', 'Description', 'Group') {
        if ("$($Rule[$name])".Contains('|') -or "$($Rule[$name])".Length -ge 10000) { throw "$name is invalid" }
    }
    if ("$($Rule['DisplayName'])" -in '', 'All') { throw 'The display name is invalid' }
    if ($Rule['Enabled'] -isnot [string] -or $Rule['Enabled'] -notin 'True', 'False') { throw 'Enabled is an enumeration' }
    foreach ($name in 'OverrideBlockRules', 'LooseSourceMapping', 'LocalOnlyMapping') { if ($Rule[$name] -isnot [bool]) { throw "$name is a Boolean" } }
    $hasPorts = $Rule['Protocol'] -in 'TCP', 'UDP', '6', '17'
    foreach ($name in 'LocalPort', 'RemotePort') {
        if ("$($Rule[$name])" -ne 'Any' -and -not $hasPorts) { throw "$name needs a protocol with ports" }
        if ($Rule['Direction'] -eq 'Outbound' -and "$($Rule[$name])" -match '[A-Z]' -and "$($Rule[$name])" -ne 'Any') { throw 'Keywords are for inbound rules' }
    }
    if ("$($Rule['IcmpType'])" -ne 'Any' -and $Rule['Protocol'] -notin 'ICMPv4', 'ICMPv6', '1', '58') { throw 'IcmpType needs ICMP' }
    foreach ($name in 'LocalAddress', 'RemoteAddress', 'LocalPort', 'RemotePort', 'IcmpType') { if (@($Rule[$name]).Count -gt 1000) { throw 'array out of bounds' } }
    foreach ($id in @($Rule['RemoteDynamicKeywordAddresses'] | Where-Object { $_ })) { if ($id -notmatch '^\{[0-9a-f-]{36}\}$') { throw "no GUID: $id" } }
}
function Set-Value {
    param ([System.Collections.IDictionary] $Rule, [System.Collections.IDictionary] $From)
    $next = [ordered] @{}
    foreach ($name in $script:parameters) {
        $next[$name] = $Rule[$name]
        if (-not $From.ContainsKey($name)) { continue }
        $next[$name] = $From[$name]
        if ($name -in 'LocalAddress', 'RemoteAddress') { $next[$name] = @(ConvertTo-Shown -Address $From[$name]) }
        if ($name -in 'RemoteDynamicKeywordAddresses', 'Owner', 'Package', 'PackageFamilyName', 'PolicyAppId' -and "$($next[$name])" -in '', 'Any') { throw "$name is no list of ids" }
    }
    Assert-Rule -Rule $next
    $next
}
function Get-RuleStore {
    param ([string] $Store)
    if ($Store -eq '') { $Store = 'PersistentStore' }
    if (-not $script:machine.Stores.ContainsKey($Store)) { throw "There is no policy store $Store" }
    $script:machine.Stores[$Store]
}
function Get-Visible {
    param ([string] $Store)
    if ($Store -eq 'ActiveStore') {
        $script:machine.Stores['PersistentStore'].Values | Where-Object { -not $script:machine.PolicyRules.Contains($_.Name) }
        $script:machine.PolicyRules.Values
    }
    else { (Get-RuleStore -Store $Store).Values }
}

function New-NetFirewallRule {
    [CmdletBinding()] param (
        [string] $Name, [string] $DisplayName, [string] $Description, [string] $Group, [string] $Enabled, [string] $Profile, [string] $Direction, [string] $Action,
        [string] $EdgeTraversalPolicy, [bool] $LooseSourceMapping, [bool] $LocalOnlyMapping, [string] $Owner, [string] $PackageFamilyName, [string] $PolicyAppId, [string] $Protocol, [string[]] $LocalPort,
        [string[]] $RemotePort, [string[]] $IcmpType, [string] $DynamicTarget, [string[]] $LocalAddress, [string[]] $RemoteAddress,
        [string[]] $RemoteDynamicKeywordAddresses, [string] $Program, [string] $Package, [string] $Service, [string[]] $InterfaceAlias, [string] $InterfaceType,
        [string] $Authentication, [string] $Encryption, [bool] $OverrideBlockRules, [string] $LocalUser, [string] $RemoteUser, [string] $RemoteMachine,
        [string] $PolicyStore, [string] $GPOSession)
    $fault = @{}
    try {
        Use-Call -Command 'New-NetFirewallRule' -Subject $Name
        $rules = if ($GPOSession -ne '') { $script:machine.Sessions[$GPOSession].Rules } else { Get-RuleStore -Store $PolicyStore }
        # Somebody else is a moment earlier.
        if ($script:intruder -ne '' -and $Name -like $script:intruder) { $rules[$Name] = Set-Value -Rule $script:defaults -From @{ Name = $Name; DisplayName = 'x'; Group = 'Others' } }
        # Of another run of a script, whose rules are ours.
        if ($script:rival -ne '' -and $Name -like $script:rival) { $rules[$Name] = Set-Value -Rule $script:defaults -From $PSBoundParameters }
        if ($rules.Contains($Name)) {
            # "Cannot create a file when that file already exists", in the language of the system.
            $fault = @{ Category = 'ResourceExists'; ErrorId = 'Windows System Error 183' }
            throw "There is a rule $Name"
        }
        $rules[$Name] = Set-Value -Rule $script:defaults -From $PSBoundParameters
        Complete-Call
    }
    catch { Write-Error -Message "$_" @fault }
}
function Get-NetFirewallRule {
    [CmdletBinding()] param ([string] $PolicyStore, [string] $Name = '*')
    $category = 'NotSpecified'
    try {
        Use-Call -Command 'Get-NetFirewallRule' -Subject "$PolicyStore $($Name -replace '^\*$', '')".Trim()
        $rules = @(Get-Visible -Store $PolicyStore | Where-Object { $_.Name -like $Name })
        $category = 'ObjectNotFound'
        if ($rules.Count -eq 0 -and $Name -ne '*') { throw "No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$Name'" }
        foreach ($rule in $rules) {
            $shown = @{ InstanceID = $rule.Name; PolicyStoreSourceType = 'Local' }
            if ($PolicyStore -eq 'ActiveStore' -and $script:machine.PolicyRules.Contains($rule.Name)) { $shown['PolicyStoreSourceType'] = 'GroupPolicy' }
            if ($rule.Contains('Source')) { $shown['PolicyStoreSourceType'] = $rule['Source'] }
            foreach ($key in 'Name', 'DisplayName', 'Description', 'Group', 'Enabled', 'Profile', 'Direction', 'Action', 'EdgeTraversalPolicy', 'LooseSourceMapping',
                'LocalOnlyMapping', 'Owner', 'PackageFamilyName', 'PolicyAppId', 'RemoteDynamicKeywordAddresses') { $shown[$key] = $rule[$key] }
            [pscustomobject] $shown
        }
    }
    catch { Write-Error -Message "$_" -Category $category }
}
function Set-NetFirewallRule {
    [CmdletBinding()] param (
        [string] $Name, [string] $Description, [string] $Enabled, [string] $Profile, [string] $Direction, [string] $Action,
        [string] $EdgeTraversalPolicy, [bool] $LooseSourceMapping, [bool] $LocalOnlyMapping, [string] $Owner, [string] $PackageFamilyName, [string] $PolicyAppId, [string] $Protocol, [string[]] $LocalPort,
        [string[]] $RemotePort, [string[]] $IcmpType, [string] $DynamicTarget, [string[]] $LocalAddress, [string[]] $RemoteAddress,
        [string[]] $RemoteDynamicKeywordAddresses, [string] $Program, [string] $Package, [string] $Service, [string[]] $InterfaceAlias, [string] $InterfaceType,
        [string] $Authentication, [string] $Encryption, [bool] $OverrideBlockRules, [string] $LocalUser, [string] $RemoteUser, [string] $RemoteMachine,
        [string] $PolicyStore)
    try {
        Use-Call -Command 'Set-NetFirewallRule' -Subject $Name
        $rules = Get-RuleStore -Store $PolicyStore
        if (-not $rules.Contains($Name)) { throw "There is no rule $Name" }
        $former = [ordered] @{}
        foreach ($key in $rules[$Name].Keys) { $former[$key] = $rules[$Name][$key] }
        # Ports and types that the new protocol does not have are gone.
        if ($PSBoundParameters.ContainsKey('Protocol')) { foreach ($key in 'LocalPort', 'RemotePort', 'IcmpType') { $former[$key] = 'Any' } }
        $rules[$Name] = Set-Value -Rule $former -From $PSBoundParameters
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
$script:removeRule = {
    [CmdletBinding()] param ([string] $Name, [string] $PolicyStore)
    try {
        Use-Call -Command 'Remove-NetFirewallRule' -Subject $Name
        if ($Name -eq '') { throw 'This would remove every rule' }
        $rules = Get-RuleStore -Store $PolicyStore
        if (-not $rules.Contains($Name)) { throw "There is no rule $Name" }
        $rules.Remove($Name)
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
function Show-Filter {
    param ([string] $Kind, [string] $Store, [string[]] $Key, [string] $Session = '')
    Use-Call -Command "Get-NetFirewall${Kind}Filter" -Subject "$Store$Session"
    foreach ($rule in @(if ($Session -ne '') { $script:machine.Sessions[$Session].Rules.Values } else { Get-Visible -Store $Store })) {
        $shown = @{ InstanceID = $rule.Name }
        foreach ($name in $Key) { $shown[$name] = $rule[$name] }
        [pscustomobject] $shown
    }
    # Rules of IPsec have such filters, too.
    if ($Kind -eq 'Address' -and $script:machine.ContainsKey('IPsec')) { foreach ($id in $script:machine.IPsec) { [pscustomobject] @{ InstanceID = $id; LocalAddress = 'Any'; RemoteAddress = 'Any' } } }
}
function Get-NetFirewallAddressFilter { [CmdletBinding()] param ([string] $PolicyStore, [string] $GPOSession) try { Show-Filter 'Address' $PolicyStore 'LocalAddress', 'RemoteAddress' $GPOSession } catch { Write-Error "$_" } }
function Get-NetFirewallPortFilter { [CmdletBinding()] param ([string] $PolicyStore) try { Show-Filter 'Port' $PolicyStore 'Protocol', 'LocalPort', 'RemotePort', 'IcmpType', 'DynamicTarget' } catch { Write-Error "$_" } }
function Get-NetFirewallApplicationFilter { [CmdletBinding()] param ([string] $PolicyStore) try { Show-Filter 'Application' $PolicyStore 'Program', 'Package' } catch { Write-Error "$_" } }
function Get-NetFirewallServiceFilter { [CmdletBinding()] param ([string] $PolicyStore) try { Show-Filter 'Service' $PolicyStore 'Service' } catch { Write-Error "$_" } }
function Get-NetFirewallInterfaceFilter { [CmdletBinding()] param ([string] $PolicyStore) try { Show-Filter 'Interface' $PolicyStore 'InterfaceAlias' } catch { Write-Error "$_" } }
function Get-NetFirewallInterfaceTypeFilter { [CmdletBinding()] param ([string] $PolicyStore) try { Show-Filter 'InterfaceType' $PolicyStore 'InterfaceType' } catch { Write-Error "$_" } }
function Get-NetFirewallSecurityFilter {
    [CmdletBinding()] param ([string] $PolicyStore)
    try { Show-Filter 'Security' $PolicyStore 'Authentication', 'Encryption', 'OverrideBlockRules', 'LocalUser', 'RemoteUser', 'RemoteMachine' } catch { Write-Error "$_" }
}

function Get-NetFirewallProfile {
    [CmdletBinding()] param ([string] $PolicyStore)
    try {
        Use-Call -Command 'Get-NetFirewallProfile' -Subject $PolicyStore
        $profiles = if ($PolicyStore -in '', 'PersistentStore', 'ActiveStore') { $script:machine.Profiles } else { $script:machine.Objects[$PolicyStore] }
        if ($null -eq $profiles) { throw "There is no policy store $PolicyStore" }
        foreach ($name in $profiles.Keys) {
            $shown = @{ Name = $name }
            foreach ($key in $profiles[$name].Keys) { $shown[$key] = $profiles[$name][$key] }
            if ($PolicyStore -eq 'ActiveStore') {
                if ($shown['DefaultOutboundAction'] -eq 'NotConfigured') { $shown['DefaultOutboundAction'] = 'Allow' }
                if ($shown['DefaultInboundAction'] -eq 'NotConfigured') { $shown['DefaultInboundAction'] = 'Block' }
                foreach ($key in $script:machine.Policy.Keys) { $shown[$key] = $script:machine.Policy[$key] }
            }
            [pscustomobject] $shown
        }
    }
    catch { Write-Error -Message "$_" }
}
function Set-NetFirewallProfile {
    [CmdletBinding()] param ([string] $Name, [ValidateSet('NotConfigured', 'Allow', 'Block')] [string] $DefaultOutboundAction, [string] $PolicyStore, [string] $GPOSession)
    try {
        Use-Call -Command 'Set-NetFirewallProfile' -Subject $Name
        # It works so many times.
        if ($script:machine.ContainsKey('BreaksAfter') -and $script:machine['BreaksAfter']-- -le 0) { throw 'Set-NetFirewallProfile is broken' }
        $profiles = if ($GPOSession -ne '') { $script:machine.Sessions[$GPOSession].Profiles } else { $script:machine.Profiles }
        if ($GPOSession -eq '' -and $PolicyStore -notin '', 'PersistentStore') { throw 'An object is changed in a session' }
        # Windows may take it for Group Policy objects alone.
        if ($DefaultOutboundAction -eq 'NotConfigured' -and $script:machine.ContainsKey('NoReset')) { if ($script:machine.NoReset -eq 'throws') { throw 'NotConfigured is for a Group Policy object' } else { return } }
        $profiles[$Name]['DefaultOutboundAction'] = $DefaultOutboundAction
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}

$script:newKeyword = {
    [CmdletBinding()] param ([string] $Id, [string] $Keyword, [string] $Addresses, [bool] $AutoResolve)
    try {
        Use-Call -Command 'New-NetFirewallDynamicKeywordAddress' -Subject $Keyword
        if ($script:machine.Keywords.Contains($Id)) { throw "There is a keyword $Id" }
        if ($AutoResolve -and $Addresses -ne '') { throw 'Addresses are resolved' }
        if ($Id -notmatch '^\{[0-9a-f-]{36}\}$') { throw "no GUID: $Id" }
        if (-not $AutoResolve -and $Addresses -match '\s|^$') { throw "Addresses: $Addresses" }
        $script:machine.Keywords[$Id] = @{ Id = $Id; Keyword = $Keyword; Addresses = $Addresses; AutoResolve = $AutoResolve }
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
function Update-NetFirewallDynamicKeywordAddress {
    [CmdletBinding()] param ([string] $Id, [string] $Addresses)
    try {
        Use-Call -Command 'Update-NetFirewallDynamicKeywordAddress' -Subject $Id
        if (-not $script:machine.Keywords.Contains($Id)) { throw "There is no keyword $Id" }
        $script:machine.Keywords[$Id]['Addresses'] = $Addresses
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
function Get-NetFirewallDynamicKeywordAddress {
    [CmdletBinding()] param ([switch] $All)
    try { Use-Call -Command 'Get-NetFirewallDynamicKeywordAddress' } catch { Write-Error -Message "$_"; return }
    if ($script:machine.Keywords.Count -eq 0) { Write-Error -Message 'No objects found' -Category ObjectNotFound; return }
    foreach ($item in $script:machine.Keywords.Values) { [pscustomobject] $item }
}
function Remove-NetFirewallDynamicKeywordAddress {
    [CmdletBinding()] param ([string] $Id)
    try {
        Use-Call -Command 'Remove-NetFirewallDynamicKeywordAddress' -Subject $Id
        if (-not $script:machine.Keywords.Contains($Id)) { throw "There is no keyword $Id" }
        $script:machine.Keywords.Remove($Id)
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}

# ---- Group Policy: a session is a copy that somebody saves ----
function Open-NetGPO {
    [CmdletBinding()] param ([string] $PolicyStore, [string] $DomainController)
    try {
        Use-Call -Command 'Open-NetGPO' -Subject "$PolicyStore $DomainController"
        $copy = [ordered] @{}
        $from = Get-RuleStore -Store $PolicyStore
        # What that domain controller has, if it has not heard of the last change.
        if ($DomainController -ne '' -and $script:machine.ContainsKey('Replica') -and $script:machine.Replica.ContainsKey($DomainController)) { $from = $script:machine.Replica[$DomainController] }
        foreach ($key in $from.Keys) { $copy[$key] = $from[$key] }
        if (-not $script:machine.ContainsKey('Sessions')) { $script:machine['Sessions'] = @{} }
        $script:machine.Sessions['session-1'] = @{ Store = $PolicyStore; Rules = $copy; Profiles = Copy-Value -Value $script:machine.Objects[$PolicyStore] }
        'session-1'
    }
    catch { Write-Error -Message "$_" }
}
function Save-NetGPO {
    [CmdletBinding()] param ([string] $GPOSession)
    try {
        Use-Call -Command 'Save-NetGPO' -Subject $GPOSession
        $session = $script:machine.Sessions[$GPOSession]
        $script:machine.Stores[$session.Store] = $session.Rules
        $script:machine.Objects[$session.Store] = $session.Profiles
        $script:machine.Remove('Sessions')
    }
    catch { Write-Error -Message "$_" }
}
function Set-Address { param ([string] $Name, [string[]] $Address) [StandIn]::Names[$Name] = $Address }
# An object has rules, and profiles of which nothing is set.
function Add-Object {
    param ([string] $Name)
    $profiles = [ordered] @{}
    foreach ($each in 'Domain', 'Private', 'Public') { $profiles[$each] = @{ Enabled = 'NotConfigured'; DefaultOutboundAction = 'NotConfigured'; AllowLocalFirewallRules = 'NotConfigured' } }
    $script:machine.Stores[$Name] = [ordered] @{}
    $script:machine.Objects[$Name] = $profiles
}
# What Remove-NetFirewallRule cannot do in a session since Windows Server 2022.
class StandInOptions { [string] $Session; [void] SetCustomOption([string] $name, [object] $value, [bool] $must) { if ($name -eq 'GPOSession') { $this.Session = $value } } }
class StandInCim {
    static [scriptblock] $List
    static [scriptblock] $Delete
    [object[]] EnumerateInstances([string] $space, [string] $class, [object] $options) { return @(& ([StandInCim]::List) $options.Session) }
    [void] DeleteInstance([string] $space, [object] $rule, [object] $options) { & ([StandInCim]::Delete) $options.Session $rule }
}
function New-CimSession { [CmdletBinding()] param () try { Use-Call -Command 'Open-CimSession'; [StandInCim]::new() } catch { Write-Error -Message "$_" } }
function Remove-CimSession { [CmdletBinding()] param ($CimSession, [switch] $Confirm, [switch] $WhatIf) Assert-Quiet $PSBoundParameters; $script:closed++ }
function Get-ClosedCount { $script:closed }
[StandInCim]::List = {
    param ([string] $Session)
    Use-Call -Command 'Enumerate' -Subject $Session
    foreach ($name in $script:machine.Sessions[$Session].Rules.Keys) { [pscustomobject] @{ CimInstanceProperties = @{ InstanceID = [pscustomobject] @{ Value = $name } } } }
}
[StandInCim]::Delete = {
    param ([string] $Session, $Rule)
    $name = $Rule.CimInstanceProperties['InstanceID'].Value
    Use-Call -Command 'Delete' -Subject $name
    if (-not $script:machine.Sessions[$Session].Rules.Contains($name)) { throw "There is no rule $name" }
    $script:machine.Sessions[$Session].Rules.Remove($name)
}

# ---- the registry ----
# These are no functions of another module: they ask whenever the script was called with -Confirm, unless they are told not to.
function Assert-Quiet { param ($Bound) foreach ($name in 'Confirm', 'WhatIf') { if (-not $Bound.ContainsKey($name) -or $Bound[$name]) { throw "somebody would be asked: -$name" } } }
function Test-Path { [CmdletBinding()] param ([string] $LiteralPath) Use-Call -Command 'Test-Path'; $script:machine.Registry.ContainsKey($LiteralPath) }
function New-Item {
    [CmdletBinding()] param ([string] $Path, [switch] $Force, [switch] $Confirm, [switch] $WhatIf)
    try {
        Assert-Quiet $PSBoundParameters
        Use-Call -Command 'New-Item' -Subject $Path
        # -Force makes the keys above it.
        $parts = $Path -split '\\'
        for ($i = 2; $i -lt $parts.Count; $i++) {
            $key = $parts[0..$i] -join '\'
            if (-not $script:machine.Registry.ContainsKey($key) -and $key -like '*hcipolc*') { $script:machine.Registry[$key] = @{} }
        }
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
function Get-ItemProperty {
    [CmdletBinding()] param ([string] $LiteralPath)
    try { Use-Call -Command 'Get-ItemProperty' -Subject $LiteralPath } catch { Write-Error -Message "$_"; return }
    if ($script:machine.Registry[$LiteralPath].Count -gt 0) { [pscustomobject] ($script:machine.Registry[$LiteralPath] + @{ PSPath = $LiteralPath }) }
}
function Get-ChildItem {
    [CmdletBinding()] param ([string] $LiteralPath)
    try { Use-Call -Command 'Get-ChildItem' -Subject $LiteralPath } catch { Write-Error -Message "$_"; return }
    foreach ($key in @($script:machine.Registry.Keys | Sort-Object)) {
        $name = if ($key.StartsWith("$LiteralPath\")) { $key.Substring($LiteralPath.Length + 1) } else { '\' }
        if (-not $name.Contains('\')) { [pscustomobject] @{ Name = $key -replace '^HKLM:', 'HKEY_LOCAL_MACHINE'; PSChildName = $name } }
    }
}
function New-ItemProperty {
    [CmdletBinding()] param ([string] $LiteralPath, [string] $Name, $Value, [string] $PropertyType, [switch] $Force, [switch] $Confirm, [switch] $WhatIf)
    try {
        Assert-Quiet $PSBoundParameters
        Use-Call -Command 'New-ItemProperty' -Subject $Name
        $script:machine.Registry[$LiteralPath][$Name] = $Value
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
function Remove-ItemProperty {
    [CmdletBinding()] param ([string] $LiteralPath, [string] $Name, [switch] $Confirm, [switch] $WhatIf)
    try {
        Assert-Quiet $PSBoundParameters
        Use-Call -Command 'Remove-ItemProperty' -Subject $Name
        $script:machine.Registry[$LiteralPath].Remove($Name)
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}
function Remove-Item {
    [CmdletBinding()] param ([string] $LiteralPath, [switch] $Confirm, [switch] $WhatIf)
    try {
        Assert-Quiet $PSBoundParameters
        Use-Call -Command 'Remove-Item' -Subject $LiteralPath
        if ($script:machine.Registry[$LiteralPath].Count -gt 0) { throw "$LiteralPath holds something" }
        $script:machine.Registry.Remove($LiteralPath)
        Complete-Call
    }
    catch { Write-Error -Message "$_" }
}

function Get-CimInstance {
    [CmdletBinding()] param ([string] $ClassName, [string] $Filter)
    try { Use-Call -Command 'Get-CimInstance' -Subject $ClassName } catch { Write-Error -Message "$_"; return }
    foreach ($item in @($script:machine.Cim[$ClassName] | Where-Object { $_ })) { [pscustomobject] $item }
}
# Name servers of every card and family; one of IPv6 that has none shows three.
function Get-DnsClientServerAddress {
    [CmdletBinding()] param ()
    try { Use-Call -Command 'Get-DnsClientServerAddress' } catch { Write-Error -Message "$_"; return }
    foreach ($card in @($script:machine.Cim['Win32_NetworkAdapterConfiguration'] | Where-Object { $_ })) {
        $all = @($card['NameServers'] | Where-Object { $_ })
        [pscustomobject] @{ AddressFamily = 2; ServerAddresses = @($all | Where-Object { -not $_.Contains(':') }) }
        $six = @($all | Where-Object { $_.Contains(':') })
        if ($six.Count -eq 0) { $six = 'fec0:0:0:ffff::1', 'fec0:0:0:ffff::2', 'fec0:0:0:ffff::3' }
        [pscustomobject] @{ AddressFamily = 23; ServerAddresses = $six }
    }
}
# The address that the server asks from; no route to what is in Routes with ''.
function Find-NetRoute {
    [CmdletBinding()] param ([string] $RemoteIPAddress)
    try {
        Use-Call -Command 'Find-NetRoute' -Subject $RemoteIPAddress
        $from = @('10.0.0.11', 'fd00::11')[$RemoteIPAddress.Contains(':')]
        if ($script:machine.Routes.ContainsKey($RemoteIPAddress)) { $from = $script:machine.Routes[$RemoteIPAddress] }
        if ($from -eq '') { throw 'The network location cannot be reached.' }
        [pscustomobject] @{ IPAddress = $from; InterfaceAlias = 'Management' }
        [pscustomobject] @{ NextHop = '0.0.0.0'; DestinationPrefix = '0.0.0.0/0' }
    }
    catch { Write-Error -Message "$_" }
}
function Get-MpComputerStatus {
    [CmdletBinding()] param ()
    try { Use-Call -Command 'Get-MpComputerStatus' } catch { Write-Error -Message "$_"; return }
    [pscustomobject] @{ AMProductVersion = $script:machine.Defender.Version }
}
function Get-MpPreference {
    [CmdletBinding()] param ()
    try { Use-Call -Command 'Get-MpPreference' } catch { Write-Error -Message "$_"; return }
    [pscustomobject] @{ EnableNetworkProtection = $script:machine.Defender.Protection; AllowNetworkProtectionOnWinServer = $script:machine.Defender.OnServers }
}

# ---- proxies: netsh, the module WinInetProxy, variables of the machine, the Azure Arc agent ----
class StandIn {
    static [hashtable] $Variables = @{}
    # Addresses of names, as DNS has them.
    static [hashtable] $Names = @{}
    # Of this server, in one card; the day.
    static [string[]] $Cards = @()
    static [datetime] $Today
    static [object[]] GetAllNetworkInterfaces() { return @([StandIn]::new()) }
    [object] GetIPProperties() {
        return [pscustomobject] @{ UnicastAddresses = @([StandIn]::Cards | ForEach-Object { [pscustomobject] @{ Address = $_ } }) }
    }
    static [object[]] GetHostAddresses([string] $name) {
        if (-not [StandIn]::Names.ContainsKey($name)) { throw "No such host is known: $name" }
        return @([StandIn]::Names[$name] | ForEach-Object { [System.Net.IPAddress]::Parse($_) })
    }
    static [string] GetEnvironmentVariable([string] $name, [string] $target) { return [StandIn]::Variables["$target $name"] }
    # Since .NET 9 an empty value is one; only null takes a variable away.
    static [void] SetEnvironmentVariable([string] $name, [object] $value, [string] $target) {
        if ($null -eq $value -or $value -is [System.Management.Automation.Language.NullString]) { [StandIn]::Variables.Remove("$target $name") } else { [StandIn]::Variables["$target $name"] = "$value" }
    }
    static [bool] $Is64BitOperatingSystem = $true
    static [bool] $Is64BitProcess = $true
    # What somebody says No to who is asked.
    static [string] $Refused = ''
    static [bool] ShouldProcess([object] $cmdlet, [string] $subject, [string] $text) {
        return -not ([StandIn]::Refused -ne '' -and $subject -match [StandIn]::Refused) -and $cmdlet.ShouldProcess($subject, $text)
    }
}
$script:connections = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$script:policies = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'
# The form in which both libraries keep their settings, as described for WinHttpSettings by those who read it.
function ConvertTo-Blob {
    param ([int] $Flags, [string[]] $Text)
    $bytes = [System.Collections.Generic.List[byte]]::new()
    foreach ($number in @(70, 5, $Flags)) { $bytes.AddRange([System.BitConverter]::GetBytes([int] $number)) }
    foreach ($item in $Text) {
        $bytes.AddRange([System.BitConverter]::GetBytes([int] $item.Length))
        $bytes.AddRange([System.Text.Encoding]::ASCII.GetBytes($item))
    }
    $bytes.AddRange([byte[]]::new(32))
    , $bytes.ToArray()
}
function Set-RegistryValue { param ([string] $Key, [string] $Name, $Value) $registry = $script:machine.Registry; if (-not $registry.ContainsKey($Key)) { $registry[$Key] = @{} }; $registry[$Key][$Name] = $Value }
$script:setWinInetProxy = {
    [CmdletBinding()] param ($ProxySettingsPerUser = 1, [string] $ProxyServer = '', [string] $ProxyBypass = '', [string] $AutoConfigURL = '')
    Use-Call -Command 'Set-WinInetProxy' -Subject $ProxyServer
    if ($ProxySettingsPerUser -eq 0) { Set-RegistryValue -Key $script:policies -Name 'ProxySettingsPerUser' -Value 0 }
    elseif ($script:machine.Registry.ContainsKey($script:policies)) { $script:machine.Registry[$script:policies].Remove('ProxySettingsPerUser') }
    $flags = 1
    if ($ProxyServer -ne '') { $flags = $flags -bor 2 }
    if ($AutoConfigURL -ne '') { $flags = $flags -bor 4 }
    Set-RegistryValue -Key $script:connections -Name 'DefaultConnectionSettings' -Value (ConvertTo-Blob -Flags $flags -Text @($ProxyServer, $ProxyBypass, $AutoConfigURL))
    Complete-Call
    'The module is chatty'
}
$script:netsh = {
    $global:LASTEXITCODE = 0
    try { Use-Call -Command 'Set-Netsh' -Subject "$args" } catch { $global:LASTEXITCODE = 1; return }
    $server = @($args | Where-Object { $_ -like 'proxy-server=*' }) -replace '^proxy-server=', ''
    $bypass = @($args | Where-Object { $_ -like 'bypass-list=*' }) -replace '^bypass-list=', ''
    if ("$($args[0..2])" -eq 'winhttp reset proxy' -and $args.Count -eq 3) {
        Set-RegistryValue -Key $script:connections -Name 'WinHttpSettings' -Value (ConvertTo-Blob -Flags 1 -Text @('', ''))
    }
    elseif ("$($args[0..2])" -eq 'winhttp set proxy' -and "$server" -ne '') {
        Set-RegistryValue -Key $script:connections -Name 'WinHttpSettings' -Value (ConvertTo-Blob -Flags 3 -Text @("$server", "$bypass"))
    }
    else { $global:LASTEXITCODE = 1 }
    try { Complete-Call } catch { $global:LASTEXITCODE = 1 }
}
$script:azcmagent = {
    [CmdletBinding()] param ([Parameter(ValueFromRemainingArguments = $true)] [string[]] $Word)
    $global:LASTEXITCODE = 0
    $agent = $script:machine.Agent
    # It says more than it is asked for, where errors are written.
    # Where there is no console, that is an error to whoever stops at errors.
    if ($agent.ContainsKey('notice') -and "$($PSCmdlet.SessionState.PSVariable.GetValue('ErrorActionPreference'))" -eq 'Stop') { throw 'azcmagent: a newer version is available' }
    if ("$Word" -eq 'version') { return "azcmagent version $(if ($agent.ContainsKey('version')) { $agent['version'] } else { '1.41.02628.1527' })" }
    if ($Word[0] -eq 'config' -and $Word[2] -in @($agent['unknown'])) { $global:LASTEXITCODE = 1; return }
    if ($Word[0] -eq 'config' -and $Word[1] -eq 'get' -and $Word.Count -eq 3) { return $agent[$Word[2]] }
    try { Use-Call -Command 'Set-Agent' -Subject "$Word" } catch { $global:LASTEXITCODE = 1; return }
    if ($Word[0] -eq 'config' -and $Word[1] -eq 'set' -and $Word.Count -eq 4) {
        $value = $Word[3]
        # It takes a list in one form, and shows it in another.
        if ($Word[2] -eq 'proxy.bypass') {
            if ($value -notmatch '^(AAD|ARM|AMA|Arc)(,(AAD|ARM|AMA|Arc))*$') { $global:LASTEXITCODE = 1; return }
            $value = switch ("$($agent['form'])") { 'json' { '["' + ($value -replace ',', '","') + '"]' } 'plain' { $value } default { '[' + ($value -replace ',', ' ') + ']' } }
        }
        $agent[$Word[2]] = $value
    }
    elseif ($Word[0] -eq 'config' -and $Word[1] -eq 'clear' -and $Word.Count -eq 3) { $agent[$Word[2]] = '' }
    else { $global:LASTEXITCODE = 1 }
    try { Complete-Call } catch { $global:LASTEXITCODE = 1 }
}
$script:management = 'Microsoft.PowerShell.Management'
# Whether the machine has the program at all.
function Set-Program {
    param ([string] $Name, [bool] $There)
    $blocks = @{
        'Set-WinInetProxy' = $script:setWinInetProxy; 'azcmagent.exe' = $script:azcmagent; 'Remove-NetFirewallRule' = $script:removeRule; 'netsh.exe' = $script:netsh
        'New-NetFirewallDynamicKeywordAddress' = $script:newKeyword
    }
    if ($There) { & "$script:management\Set-Item" -Path "function:global:$Name" -Value $blocks[$Name] }
    else { & "$script:management\Remove-Item" -Path "function:$Name" }
}
# A machine without them, and with them again.
$script:hidden = @{}
function Hide-Command {
    param ([string[]] $Name)
    foreach ($each in $Name) {
        $script:hidden[$each] = (& "$script:management\Get-Item" -Path "function:$each").ScriptBlock
        while (& "$script:management\Test-Path" -Path "function:$each") { & "$script:management\Remove-Item" -Path "function:$each" }
    }
}
function Show-Command { foreach ($each in $script:hidden.Keys) { & "$script:management\Set-Item" -Path "function:global:$each" -Value $script:hidden[$each] } }

# ---- for the tests themselves ----

# A script as a block: without what asks for Windows, and with the types of Windows that no function can stand in for.
function Get-Block {
    param ([string] $Path)
    $text = [System.IO.File]::ReadAllText($Path) -replace '(?m)^#Requires.*$', ''
    $text = $text.Replace('[System.Environment]::', '[StandIn]::').Replace('$PSCmdlet.ShouldProcess(', '[StandIn]::ShouldProcess($PSCmdlet, ')
    # Tests run beside each other.
    $text = $text.Replace('Global\hcipolc', "Global\hcipolc-$PID")
    $text = $text.Replace('[System.Net.Dns]::', '[StandIn]::')
    $text = $text.Replace('[System.Net.NetworkInformation.NetworkInterface]::', '[StandIn]::').Replace('[System.DateTime]::', '[StandIn]::')
    [scriptblock]::Create($text.Replace("'Microsoft.Management.Infrastructure.Options.CimOperationOptions'", "'StandInOptions'"))
}
# An outbound rule that Windows has made.
function Add-WindowsRule {
    param ([hashtable] $Rule, [string] $PolicyStore = 'PersistentStore')
    $all = @{ DisplayName = $Rule.Name; Group = '@FirewallAPI.dll,-25000'; Direction = 'Outbound'; PolicyStore = $PolicyStore }
    foreach ($key in $Rule.Keys) { $all[$key] = $Rule[$key] }
    New-NetFirewallRule @all
}
# A script with other tables.
function Edit-Block { param ([scriptblock] $Block, [string] $Pattern, [string] $With) [scriptblock]::Create([regex]::Replace("$Block", $Pattern, $With)) }
# A server in a domain, with rules of Windows' own and of somebody else.
function Start-Machine {
    Reset-Machine
    $machine = Get-Machine
    foreach ($row in @('FPS-SMB-In-TCP TCP 445 False', 'FailoverClustering-NetFt-UDP-In UDP 3343 True')) {
        $name, $protocol, $port, $enabled = $row -split ' '
        New-NetFirewallRule -Name $name -DisplayName $name -Group '@FirewallAPI.dll,-1' -Protocol $protocol -LocalPort $port -Program 'System' -Enabled $enabled
    }
    # As on a server (the registry of several), but for every profile. The last ones are not for what a server needs.
    $svchost = '%SystemRoot%\system32\svchost.exe'
    Add-WindowsRule @{ Name = 'CoreNet-GP-LSASS-Out-TCP'; Protocol = 'TCP'; Program = '%SystemRoot%\system32\lsass.exe' }
    Add-WindowsRule @{ Name = 'CoreNet-GP-Out-TCP'; Protocol = 'TCP'; Program = $svchost; Service = 'gpsvc' }
    Add-WindowsRule @{ Name = 'CoreNet-GP-NP-Out-TCP'; Protocol = 'TCP'; RemotePort = '445'; Program = 'System' }
    Add-WindowsRule @{ Name = 'CoreNet-Teredo-Out'; Protocol = 'UDP'; Program = $svchost; Service = 'iphlpsvc' }
    Add-WindowsRule @{ Name = 'WMI-WINMGMT-Out-TCP'; Protocol = 'TCP'; Program = $svchost; Service = 'winmgmt' }
    Add-WindowsRule @{ Name = 'app-new'; Group = '@{Microsoft.GetHelp?x}'; PackageFamilyName = 'Microsoft.GetHelp_8wekyb3d8bbwe'; Owner = 'S-1-5-21-1001' }
    Add-WindowsRule @{ Name = 'app-old'; Group = '@{Microsoft.App?x}'; Package = 'S-1-15-2-1'; Owner = 'S-1-5-21-1001' }
    New-NetFirewallRule -Name 'theirs' -DisplayName 'Theirs' -Group 'Others' -Direction 'Outbound' -Protocol 'UDP' -RemotePort '389' -RemoteAddress '10.0.7.0/24'
    New-NetFirewallRule -Name 'in-our-group' -DisplayName 'Not ours' -Group 'hcipolc:prod' -Protocol 'TCP' -LocalPort '1'
    $machine.Cim['Win32_NetworkAdapterConfiguration'] = @{ NameServers = @('10.0.5.53'); DHCPEnabled = $false; DHCPServer = $null }
    $machine.Cim['Win32_ComputerSystem'] = @{ PartOfDomain = $true }
    $machine.Cim['Win32_NTDomain'] = @{ DomainControllerAddress = '\\10.0.7.4' }
    foreach ($name in 'Set-WinInetProxy', 'azcmagent.exe') { Set-Program -Name $name -There $true }
    $null = Set-WinInetProxy -ProxySettingsPerUser 0
    $null = Set-WinInetProxy
    netsh.exe winhttp set proxy proxy-server=old.example:8080 'bypass-list=*.old.example'
    Reset-Fault
}
# What a run says, sorted: names without what every name has, findings, its error.
function Invoke-Script {
    param ([scriptblock] $Block, [hashtable] $More)
    $lines = @(
        try {
            foreach ($item in @(& $Block -Force @More 3>&1 6>$null)) {
                if ($item -is [System.Management.Automation.WarningRecord]) { continue }
                '{0}: {1}' -f ($item.Name -replace '^hcipolc-prod-main-x\.', '' -replace '-[0-9a-f]{8}$', ''), $item.Finding
            }
        }
        catch { "! $_" }
    )
    @($lines | Sort-Object) -join '; '
}
function Find { param ($Block, [string] $Mode, [hashtable] $More = @{}) Invoke-Script -Block $Block -More ($More + @{ Mode = $Mode }) }
function Get-Warning { param ([scriptblock] $Block, [hashtable] $More) @(& $Block -Force @More 3>&1 6>$null | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } | ForEach-Object { "$_" }) }
function Test-Equal {
    param ([string] $What, $Is, $Should)
    if ("$Is" -ceq "$Should") { "ok $What"; return }
    if (@($Is).Count + @($Should).Count -gt 4) {
        # Of long texts the lines that differ.
        $both = Compare-Object -ReferenceObject @($Should) -DifferenceObject @($Is) | ForEach-Object { "$($_.SideIndicator) $($_.InputObject)" }
        "not ok $What`n$($both -join "`n")"
    }
    else { "not ok $What`n--- is`n$Is`n--- should be`n$Should" }
}
foreach ($name in 'Remove-NetFirewallRule', 'netsh.exe', 'New-NetFirewallDynamicKeywordAddress') { Set-Program -Name $name -There $true }
Reset-Machine
Export-ModuleMember -Function *
