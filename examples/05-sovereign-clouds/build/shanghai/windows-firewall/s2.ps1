# Windows Firewall rules of server s2, cluster shanghai, made by hcipolc.
# Not in this script, because Windows rules match addresses, not host names:
#   hci/cloud-witness.blob: witnessshanghai.blob.core.chinacloudapi.cn
#   hci/microsoft-update.http: *.update.microsoft.com, *.windowsupdate.com, *.windowsupdate.microsoft.com, dl.delivery.mp.microsoft.com, go.microsoft.com, ntservicepack.microsoft.com, windowsupdate.microsoft.com, wustat.windows.com
#   hci/microsoft-update.https: *.delivery.mp.microsoft.com, *.update.microsoft.com, *.windowsupdate.microsoft.com, download.microsoft.com
#   hci/registration.arm: graph.chinacloudapi.cn, login.chinacloudapi.cn, management.chinacloudapi.cn
#   hci/registration.dataplane: dp.stackhci.azure.cn

#Requires -Version 5.1
#Requires -RunAsAdministrator
#Requires -Modules NetSecurity

<#
.SYNOPSIS
    Verifies, applies or removes the Windows Firewall rules that a policy gives one server.
.DESCRIPTION
    The script is a table of rules and an engine that is the same in every script. Do not edit it:
    change the policy and compile again.

    A rule's name ends in a hash of its content, and all rules share a group. Only the addresses of
    a service tag may change under a name: they are set in place, as are rules that somebody edited.
    Apply creates what is missing first and removes rules of the group that are no longer in the
    table last, so there is no moment without rules; but a rule to which somebody gave an owner, a
    package or a dynamic keyword is removed and made anew, since Windows takes those from no rule.
    When a step fails, or somebody presses Ctrl+C, the run undoes all steps before it, the last one
    first; where a default Block cannot be undone, the rules stay. A second run changes nothing.
    Rules outside the group, and rules in it that the policy did not make, are never touched. What
    people read of a rule, its display name and description, is not compared.

    An exception is left out after its last day, by this machine's clock: Apply takes its rule away.
    Verify reports it as Expired until the policy is built anew, since what the policy denies beside
    it is denied without it until then.

    Windows lets a block rule beat every allow rule, and lets everything pass that any rule allows:
    rules that Windows or other software made keep allowing what they allow. Outbound traffic passes
    without a rule unless the profile's default outbound action is Block; Windows' default is Allow.
    The policy's target says whether this script sets it (lock_down); Remove puts back what it was.

    Where the policy's target says so (builtin), rules of Windows' own are enabled in place of rules
    of the policy. They are never created, edited or removed, and Remove puts back whether they were
    enabled. What was there before Apply is kept below HKLM:\SOFTWARE\hcipolc, for each cluster and
    group: what two scripts have set stays until the last of them is removed.

    A Group Policy object gets copies of those rules, from the machine on which the script runs. What
    it had before is kept in a disabled rule of the object.

    Where the policy has a proxy, Apply also points the server to it: WinINet, WinHTTP, the
    variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the machine, and the Azure Arc agent if it is
    installed. Remove puts back what was there before, and so does Apply once the policy has no
    proxy any more. WinINet is set with Set-WinInetProxy, of the module WinInetProxy.

    Addresses :: and ::1, which rules cannot name and no packet on a network has, are left out of
    lists. In names for people, characters other than ASCII are written \u00FC and a backslash \\.
.PARAMETER Mode
    Verify (the default, changes nothing), Apply, Remove, Backup or Restore.
.PARAMETER PolicyStore
    PersistentStore (the default: this server's own rules), or 'domain.example\name' of a Group
    Policy object that holds this server's rules and no other server's. Rules of a Group Policy
    object are changed in one session, of which all is saved or nothing.
.PARAMETER DomainController
    The writable domain controller on which a Group Policy object is changed.
.PARAMETER BackupPath
    A file. Backup, Apply and Remove write into it all that the script can change, as it is before
    they change it; they do not overwrite a file. Restore puts that back.
.PARAMETER Force
    Changes a machine although it has none of the server's addresses, or a Group Policy object that
    has rules for others: another server's, or the server has got new addresses. Applies rules
    although the cluster has others there in another group.
.PARAMETER AllowLockOut
    Changes rules or the default outbound action although, with outbound traffic blocked, this
    server could not reach its name servers, DHCP server or domain controller any more, or a server
    of the Group Policy object no domain controller; although it has addresses that the policy does
    not have and would block; or although nobody could come in any more by the ports over which it is
    administered (TCP 22, 3389, 5985, 5986).
.OUTPUTS
    Verify: an object with Name, Finding and Detail for every rule that is Missing, Changed,
    Disabled, Absent, Stale or Expired, for every such setting, for a rule of Windows' own that is
    Unsuitable, and for what takes rules out of force (Not in force: Group Policy, a firewall that
    is off); nothing if all is well. The others: the same for everything they did (Created, Updated,
    Restored, Enabled, Removed, Set to ..., Set, Forgotten, and Written of a backup). Run as a file,
    Verify has the exit code 0 when all is well, 2 when something is different, 3 when all is there
    and not in force, and 1 when it failed. The others have 0, or 1 when they failed and undid what
    they had done.
.EXAMPLE
    .\server.ps1
.EXAMPLE
    .\server.ps1 -Mode Apply -WhatIf
.EXAMPLE
    .\server.ps1 -Mode Apply -BackupPath .\before.json
.EXAMPLE
    Invoke-Command -Session $session { & $env:ProgramFiles\hci\server.ps1 -Mode Apply }

    On a server to which Copy-Item -ToSession has copied the script, after New-Item made the folder:
    -FilePath passes values alone, no switches such as -WhatIf.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
[OutputType([pscustomobject])]
param (
    [Parameter(Position = 0)]
    [ValidateSet('Verify', 'Apply', 'Remove', 'Backup', 'Restore')]
    [string] $Mode = 'Verify',

    # Rules in the other stores are read-only or gone at the next start.
    [Parameter()]
    [ValidateScript({ $_ -eq 'PersistentStore' -or $_ -match '^[^\\]+\\.+$' })]
    [string] $PolicyStore = 'PersistentStore',

    [Parameter()]
    [string] $DomainController = '',

    [Parameter()]
    [string] $BackupPath = '',

    [Parameter()]
    [switch] $Force,

    [Parameter()]
    [switch] $AllowLockOut
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$policy = @{
    Server     = 's2'
    Group      = 'hcipolc:shanghai'
    NamePrefix = 'hcipolc-shanghai-'
    Profile    = 'Any'
    Outbound   = 'Unchanged'
    Address    = @(
        '10.3.0.12'
    )
}

$proxy = @{
    Settings = 'None'
}

$builtin = @(
)

$keywords = @(
)

$rules = @(
    @{
        Name          = 'hcipolc-shanghai-hci-between-servers.icmp-in-3a143438'
        DisplayName   = 'Between all servers of the cluster: ICMPv4 8 from servers (hci/between-servers.icmp)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-between-servers.smb-in-d671789c'
        DisplayName   = 'Between all servers of the cluster (with ws-man): TCP 445, 5985 from servers (hci/between-servers.smb)'
        Description   = 'Rule hci/between-servers.smb. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('445', '5985')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.cluster-join-in-2e767ade'
        DisplayName   = 'Failover Clustering (with rpc, rpc-dynamic and validation): TCP 135, 445, 3343, 49152-65535 from management (hci/failover-clustering.cluster-join)'
        Description   = 'Rule hci/failover-clustering.cluster-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('135', '445', '3343', '49152-65535')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.5.0/28')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.cluster-service-in-c6d26837'
        DisplayName   = 'Failover Clustering: UDP 3343 from management (hci/failover-clustering.cluster-service)'
        Description   = 'Rule hci/failover-clustering.cluster-service. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        LocalPort     = @('3343')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.5.0/28')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.icmp-in-9c896fa4'
        DisplayName   = 'Failover Clustering: ICMPv4 8 from management (hci/failover-clustering.icmp)'
        Description   = 'Rule hci/failover-clustering.icmp. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.5.0/28')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.node-join-in-cdc5b4de'
        DisplayName   = 'Failover Clustering: TCP 3343 from servers (hci/failover-clustering.node-join)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('3343')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.node-service-in-350f53c3'
        DisplayName   = 'Failover Clustering: UDP 3343 from servers (hci/failover-clustering.node-service)'
        Description   = 'Rule hci/failover-clustering.node-service. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        LocalPort     = @('3343')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-between-servers.icmp-out-b7b0eb1c'
        DisplayName   = 'Between all servers of the cluster: ICMPv4 8 to servers (hci/between-servers.icmp)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-between-servers.smb-out-8fb1e753'
        DisplayName   = 'Between all servers of the cluster (with ws-man): TCP 445, 5985 to servers (hci/between-servers.smb)'
        Description   = 'Rule hci/between-servers.smb. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('445', '5985')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.node-join-out-24573a99'
        DisplayName   = 'Failover Clustering: TCP 3343 to servers (hci/failover-clustering.node-join)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('3343')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
    @{
        Name          = 'hcipolc-shanghai-hci-failover-clustering.node-service-out-6b4cc543'
        DisplayName   = 'Failover Clustering: UDP 3343 to servers (hci/failover-clustering.node-service)'
        Description   = 'Rule hci/failover-clustering.node-service. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        RemotePort    = @('3343')
        LocalAddress  = @('10.3.0.12')
        RemoteAddress = @('10.3.0.11-10.3.0.12')
    }
)

# ---- the engine, comparing: when two values mean the same to Windows; the same in every script --
# Cmdlets of NetSecurity are functions of another module, which do not see $ErrorActionPreference
# of this script: each call says -ErrorAction Stop itself, or a failure would pass unnoticed.

function Get-PropertyValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [object] $InputObject,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    # Strict mode makes a missing property an error; older servers lack some.
    if ($null -ne $InputObject -and $null -ne $InputObject.PSObject.Properties[$Name]) {
        $InputObject.$Name
    }
}

function ConvertTo-AddressSpan {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address
    )
    # Windows gives 10.0.0.0/24 back as 10.0.0.0/255.255.255.0 and may give a single address back as
    # a range, so lists are compared by first and last address in hexadecimal.
    $ends = @($Address.Trim() -split '-')
    $pair = @($ends[0] -split '/')
    $parsed = $null
    if (-not [System.Net.IPAddress]::TryParse($pair[0], [ref] $parsed)) {
        return $Address.Trim().ToLowerInvariant()
    }
    $first = $parsed.GetAddressBytes()
    $last = $parsed.GetAddressBytes()
    if ($ends.Count -eq 2) {
        $last = [System.Net.IPAddress]::Parse($ends[1]).GetAddressBytes()
    }
    elseif ($pair.Count -eq 2) {
        $mask = New-Object -TypeName 'byte[]' -ArgumentList $first.Length
        if ($pair[1] -match '[.:]') {
            $mask = [System.Net.IPAddress]::Parse($pair[1]).GetAddressBytes()
        }
        else {
            for ($i = 0; $i -lt $mask.Length; $i++) {
                $bits = [System.Math]::Max(0, [System.Math]::Min(8, [int] $pair[1] - 8 * $i))
                $mask[$i] = (255 -shl (8 - $bits)) -band 255
            }
        }
        for ($i = 0; $i -lt $mask.Length; $i++) {
            $first[$i] = $first[$i] -band $mask[$i]
            $last[$i] = $first[$i] -bor (255 -bxor $mask[$i])
        }
    }
    $texts = foreach ($bytes in @($first, $last)) {
        [System.BitConverter]::ToString($bytes).Replace('-', '')
    }
    $texts -join '-'
}

function Test-Within {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Address,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Range
    )
    $one = @((ConvertTo-AddressSpan -Address $Address) -split '-')[0]
    foreach ($item in $Range) {
        $ends = @((ConvertTo-AddressSpan -Address $item) -split '-')
        if ($ends.Count -eq 2 -and $ends[0].Length -eq $one.Length -and
            [string]::CompareOrdinal($ends[0], $one) -le 0 -and
            [string]::CompareOrdinal($one, $ends[1]) -le 0) {
            return $true
        }
    }
    $false
}

function Test-Port {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [int] $Port,

        # None are all.
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Range
    )
    $isAll = $true
    foreach ($item in $Range) {
        if ("$item" -eq '') {
            continue
        }
        $isAll = $false
        $ends = @("$item" -split '-')
        if ("$item" -eq 'Any' -or ("$item" -match '^[0-9]+(-[0-9]+)?$' -and
                [int] $ends[0] -le $Port -and $Port -le [int] $ends[-1])) {
            return $true
        }
    }
    $isAll
}

function ConvertTo-ListText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Value,

        [Parameter()]
        [switch] $IsAddress
    )
    $texts = @(
        foreach ($item in $Value) {
            if ($IsAddress) {
                ConvertTo-AddressSpan -Address "$item"
            }
            else {
                # '8' may come back as '8:*', a GUID with or without its braces.
                "$item".Trim([char[]] ' {}').ToLowerInvariant() -replace ':(\*|256)$', ''
            }
        }
    )
    if ($texts.Count -eq 0) {
        return 'any'
    }
    @($texts | Sort-Object -Unique) -join ' '
}

function ConvertTo-ProfileText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Value
    )
    $text = ConvertTo-ListText -Value ($Value -split ',')
    if ($text -eq 'domain private public') {
        return 'any'
    }
    $text
}

function ConvertTo-ProtocolText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Value
    )
    switch ($Value) {
        '1' { 'icmpv4' }
        '6' { 'tcp' }
        '17' { 'udp' }
        '58' { 'icmpv6' }
        default { $Value.ToLowerInvariant() }
    }
}

function Get-RuleField {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # What decides which packets a rule is for and what becomes of them: the parameter's name, the
    # object on which Windows keeps it, how it is compared, and what it is when nobody says it.
    $rows = @(
        'Direction Rule Text Inbound'
        'Action Rule Text Allow'
        'Enabled Rule Text True'
        'Profile Rule Profile Any'
        'EdgeTraversalPolicy Rule Text Block'
        'LooseSourceMapping Rule Flag False'
        'LocalOnlyMapping Rule Flag False'
        'Owner Rule Text Any'
        'RemoteDynamicKeywordAddresses Rule List Any'
        'PackageFamilyName Rule Text Any'
        'PolicyAppId Rule Text Any'
        'Protocol Port Protocol Any'
        'LocalPort Port List Any'
        'RemotePort Port List Any'
        'IcmpType Port List Any'
        'DynamicTarget Port Text Any'
        'LocalAddress Address Address Any'
        'RemoteAddress Address Address Any'
        'Program Application Text Any'
        'Package Application Text Any'
        'Service Service Text Any'
        'InterfaceAlias Interface List Any'
        'InterfaceType InterfaceType Text Any'
        'Authentication Security Text NotRequired'
        'Encryption Security Text NotRequired'
        'OverrideBlockRules Security Flag False'
        'LocalUser Security Text Any'
        'RemoteUser Security Text Any'
        'RemoteMachine Security Text Any'
    )
    foreach ($row in $rows) {
        $words = @($row -split ' ')
        @{ Name = $words[0]; Source = $words[1]; Kind = $words[2]; Default = $words[3] }
    }
}

function ConvertTo-FieldText {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Field,

        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [AllowEmptyString()]
        [object] $Value
    )
    # Equal texts mean the same to Windows.
    $text = "$Value"
    if ($text -eq '') {
        $text = $Field['Default']
    }
    if ($text -eq $Field['Default']) {
        return $text.ToLowerInvariant()
    }
    switch ($Field['Kind']) {
        'List' { ConvertTo-ListText -Value @($Value) }
        'Address' { ConvertTo-ListText -Value @($Value) -IsAddress }
        'Profile' { ConvertTo-ProfileText -Value $text }
        'Protocol' { ConvertTo-ProtocolText -Value $text }
        default { $text.ToLowerInvariant() }
    }
}

# ---- the engine, rules: how they are, and how they should be; the same in every script ----------

function Get-FilterIndex {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # One call per kind of filter: a call per rule takes minutes on a server with many rules.
    $common = @{ PolicyStore = $Store; ErrorAction = 'Stop' }
    $index = @{}
    $kinds = @{
        Address       = @(Get-NetFirewallAddressFilter @common)
        Port          = @(Get-NetFirewallPortFilter @common)
        Application   = @(Get-NetFirewallApplicationFilter @common)
        Service       = @(Get-NetFirewallServiceFilter @common)
        Interface     = @(Get-NetFirewallInterfaceFilter @common)
        InterfaceType = @(Get-NetFirewallInterfaceTypeFilter @common)
        Security      = @(Get-NetFirewallSecurityFilter @common)
    }
    foreach ($kind in @($kinds.Keys)) {
        $index[$kind] = @{}
        foreach ($filter in $kinds[$kind]) {
            $index[$kind][$filter.InstanceID] = $filter
        }
    }
    $index
}

function Get-LiveValue {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [object] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Index,

        [Parameter(Mandatory = $true)]
        [object[]] $Field
    )
    # The parameters that would make the rule as it is, without those that nobody needs to say.
    $id = $Rule.InstanceID
    $values = @{ Name = "$($Rule.Name)" }
    foreach ($name in @('DisplayName', 'Description', 'Group')) {
        $values[$name] = "$(Get-PropertyValue -InputObject $Rule -Name $name)"
    }
    $port = $Index['Port'][$id]
    $protocol = "$(Get-PropertyValue -InputObject $port -Name 'Protocol')"
    $protocol = ConvertTo-ProtocolText -Value $protocol
    foreach ($item in $Field) {
        $name = $item['Name']
        # Of other protocols Windows shows ports and types that mean nothing.
        if (($name -in @('LocalPort', 'RemotePort') -and $protocol -notin @('tcp', 'udp')) -or
            ($name -eq 'IcmpType' -and $protocol -notin @('icmpv4', 'icmpv6'))) {
            continue
        }
        $object = $Rule
        if ($item['Source'] -ne 'Rule') {
            $object = $Index[$item['Source']][$id]
        }
        # Most are as in Windows: a function for each would take most of the time.
        if ($null -eq $object -or $null -eq $object.PSObject.Properties[$name] -or
            "$($object.$name)" -eq '' -or "$($object.$name)" -eq $item['Default']) {
            continue
        }
        $value = @(
            foreach ($one in @($object.$name)) {
                if ("$one" -ne '') {
                    "$one"
                }
            }
        )
        $text = ConvertTo-FieldText -Field $item -Value $value
        if ($text -eq $item['Default']) {
            continue
        }
        if ($name -eq 'IcmpType') {
            $value = @($value -replace ':(\*|256)$', '')
        }
        if ($item['Kind'] -notin @('List', 'Address')) {
            $value = $value -join ', '
        }
        $values[$name] = $value
    }
    $values
}

function Get-OwnRule {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Not -Group: that parameter takes wildcards and reports "not found" as an error. The name is
    # asked for too: rules that somebody else put into the group are not ours.
    $prefix = $Policy['NamePrefix']
    $memoryName = Get-MemoryRuleName -Policy $Policy
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $own = @{}
    $Rule |
        Where-Object { $_.Group -eq $Policy['Group'] } |
        Where-Object { $_.Name.StartsWith($prefix, $ignoreCase) -and $_.Name -ne $memoryName } |
        ForEach-Object { $own[$_.Name] = $_ }
    $own
}

function Get-WantedRule {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # What the table leaves unsaid because every rule has it, and texts as people read them.
    foreach ($item in $Rule) {
        $parameters = $item.Clone()
        $parameters.Remove('Until')
        $parameters['Group'] = $Policy['Group']
        $parameters['Profile'] = $Policy['Profile']
        $parameters['Enabled'] = 'True'
        foreach ($name in @('DisplayName', 'Description')) {
            $parameters[$name] = [System.Text.RegularExpressions.Regex]::Unescape($item[$name])
        }
        $parameters
    }
}

function Get-OtherGroup {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Names of rules that are this cluster's, in a group that it had before: Windows cannot give a
    # rule another. The name of another cluster may begin with this one's; its own group tells.
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $prefix = $Policy['NamePrefix']
    foreach ($item in $Rule) {
        $name = "$($item.Name)"
        if (-not $name.StartsWith($prefix, $ignoreCase) -or $item.Group -eq $Policy['Group']) {
            continue
        }
        $other = '{0}-' -f ("$($item.Group)" -replace '^hcipolc:', 'hcipolc-')
        $isLonger = $other.Length -gt $prefix.Length -and $other.StartsWith($prefix, $ignoreCase)
        if (-not ($isLonger -and $name.StartsWith($other, $ignoreCase))) {
            $name
        }
    }
}

function Get-LastDay {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        # Of the table, a backup or the machine, as parameters.
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # Of an exception, '2026-06-30'; '' of other rules. Windows keeps it in the description alone.
    if ($Rule.ContainsKey('Until')) {
        return $Rule['Until']
    }
    $line = '(?s)^.*? Exception of: .*? Until: ([0-9]{4}-[0-9]{2}-[0-9]{2})\..*$'
    $text = "$($Rule['Description'])"
    if ($text -match $line) {
        return ($text -replace $line, '$1')
    }
    ''
}

function Test-Ended {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # An exception's last day, or ''.
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Day
    )
    # By this machine's clock.
    $now = [System.DateTime]::Today
    $today = '{0:d4}-{1:d2}-{2:d2}' -f $now.Year, $now.Month, $now.Day
    $Day -ne '' -and [string]::CompareOrdinal($Day, $today) -lt 0
}

function Format-Some {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Value
    )
    $text = @($Value | Select-Object -First 4) -join ', '
    if ($Value.Count -gt 4) {
        $text = '{0} and {1} more' -f $text, ($Value.Count - 4)
    }
    $text
}

function Format-Rule {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # 'Inbound Allow TCP 3343 from 10.1.0.11, 10.1.0.12'; parameters that it lacks are as in Windows.
    $direction = "$($Rule['Direction'])" -replace '^$', 'Inbound'
    $service = 'LocalPort'
    $way = 'from'
    if ($direction -eq 'Outbound') {
        $service = 'RemotePort'
        $way = 'to'
    }
    $action = "$($Rule['Action'])" -replace '^$', 'Allow'
    $words = @($direction, $action, ("$($Rule['Protocol'])" -replace '^$', 'Any'))
    foreach ($name in @($service, 'IcmpType')) {
        if ($Rule.ContainsKey($name)) {
            $words += Format-Some -Value @($Rule[$name])
        }
    }
    $ids = @($Rule['RemoteDynamicKeywordAddresses'] | Where-Object { $_ })
    $names = @($keywords | Where-Object { $_['Id'] -in $ids } | ForEach-Object { $_['Keyword'] })
    $words += $way
    $words += Format-Some -Value @(@($Rule['RemoteAddress']) + $names | Where-Object { $_ })
    $words -join ' ' -replace ' (from|to) $', ' $1 Any'
}

function Test-ProfileOf {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Policy
    )
    # Whether the rule acts in every profile that the policy is for.
    $is = @("$($Rule['Profile'])" -split ', ')
    $lacking = @($Policy['Profile'] -split ', ' | Where-Object { $_ -notin $is })
    -not $Rule.ContainsKey('Profile') -or $lacking.Count -eq 0
}

function Format-Difference {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Field,

        [Parameter(Mandatory = $true)]
        [hashtable] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live
    )
    $name = $Field['Name']
    $sides = foreach ($values in @($Live, $Wanted)) {
        $list = @($Field['Default'])
        if ($values.ContainsKey($name)) {
            $list = @($values[$name])
        }
        , $list
    }
    if ($Field['Kind'] -notin @('List', 'Address')) {
        return ('{0} is {1}, should be {2}' -f $name, $sides[0][0], $sides[1][0])
    }
    $texts = foreach ($side in @(0, 1)) {
        $known = @{}
        foreach ($item in $sides[1 - $side]) {
            $known[(ConvertTo-FieldText -Field $Field -Value $item)] = $true
        }
        $only = @(
            foreach ($item in $sides[$side]) {
                if (-not $known.ContainsKey((ConvertTo-FieldText -Field $Field -Value $item))) {
                    $item
                }
            }
        )
        if ($only.Count -gt 0) {
            @('has {0}', 'lacks {0}')[$side] -f (Format-Some -Value $only)
        }
    }
    '{0} {1}' -f $name, (@($texts) -join ' and ')
}

function Get-DifferentField {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live,

        [Parameter(Mandatory = $true)]
        [object[]] $Among
    )
    foreach ($field in $Among) {
        $is = ConvertTo-FieldText -Field $field -Value $Live[$field['Name']]
        if ($is -ne (ConvertTo-FieldText -Field $field -Value $Wanted[$field['Name']])) {
            $field
        }
    }
}

function Get-Finding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [hashtable] $Live
    )
    # Both are parameters of New-NetFirewallRule; Live by name. Wanted and Former are what somebody
    # needs who changes the rule, and who changes it back.
    $fields = @(Get-RuleField)
    $wantedNames = @{}
    foreach ($item in $Wanted) {
        $name = $item['Name']
        $wantedNames[$name] = $true
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Missing'; Detail = Format-Rule -Rule $item
            Wanted = $item; Former = $null; Field = @()
        }
        if (-not $Live.ContainsKey($name)) {
            $finding
            continue
        }
        $finding.Former = $Live[$name]
        $finding.Detail = ''
        $different = @(Get-DifferentField -Wanted $item -Live $Live[$name] -Among $fields)
        if ($different.Count -eq 0) {
            continue
        }
        $names = @($different | ForEach-Object { $_['Name'] } | Sort-Object)
        $finding.Field = $names
        $finding.Finding = 'Changed: {0}' -f ($names -join ', ')
        if ("$names" -eq 'Enabled' -and $Live[$name]['Enabled'] -eq 'False') {
            $finding.Finding = 'Disabled'
        }
        else {
            $finding.Detail = @(
                foreach ($field in $different) {
                    Format-Difference -Field $field -Wanted $item -Live $Live[$name]
                }
            ) -join '; '
        }
        $finding
    }
    foreach ($name in @($Live.Keys | Sort-Object)) {
        if (-not $wantedNames.ContainsKey($name)) {
            [pscustomobject] @{
                Name = $name; Finding = 'Stale'; Detail = 'Made by an earlier version of the policy'
                Wanted = $null; Former = $Live[$name]; Field = @()
            }
        }
    }
}

# ---- the engine, changes: one at a time, and each can be taken back; the same in every script ---
# A change is a table: its Kind, what it is about, and what was there before (Former).

function Get-DynamicKeyword {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # By id, without braces. Older servers have none.
    $found = @{}
    $command = 'Get-NetFirewallDynamicKeywordAddress'
    if ($null -eq (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
        return $found
    }
    try {
        $all = @(Get-NetFirewallDynamicKeywordAddress -All -ErrorAction Stop)
    }
    catch {
        # When there are none the cmdlet reports that as an error.
        if ("$($_.CategoryInfo.Category)" -ne 'ObjectNotFound') {
            throw
        }
        $all = @()
    }
    foreach ($item in $all) {
        $id = "$($item.Id)".Trim([char[]] '{}')
        $keyword = @{ Id = "{$id}"; Keyword = "$($item.Keyword)" }
        if ("$(Get-PropertyValue -InputObject $item -Name 'AutoResolve')" -ne 'True') {
            $keyword['Addresses'] = "$(Get-PropertyValue -InputObject $item -Name 'Addresses')"
        }
        $found[$id] = $keyword
    }
    $found
}

function Get-StorePlace {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # The parameter that says where a change is made.
    if ($Store['Session'] -ne '') {
        return @{ GPOSession = $Store['Session'] }
    }
    @{ PolicyStore = $Store['Name'] }
}

function Add-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    $parameters = ConvertTo-Parameter -Rule $Rule
    $place = Get-StorePlace -Store $Store
    New-NetFirewallRule @parameters @place -ErrorAction Stop | Out-Null
}

function ConvertTo-Parameter {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    $parameters = $Rule.Clone()
    foreach ($item in @(Get-RuleField | Where-Object { $_['Kind'] -eq 'Flag' })) {
        if ($parameters.ContainsKey($item['Name'])) {
            $parameters[$item['Name']] = "$($parameters[$item['Name']])" -eq 'True'
        }
    }
    $parameters
}

function Edit-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Field
    )
    # In place, so that there is no moment without the rule. Within a session nothing is in force
    # before all is, and newer versions of Set-NetFirewallRule know no session.
    # Nothing takes these away from a rule once it has them.
    $lasting = @('Owner', 'Package', 'PackageFamilyName', 'PolicyAppId')
    $lasting += 'RemoteDynamicKeywordAddresses'
    $lost = @($Field | Where-Object { $_ -in $lasting -and -not $Rule.ContainsKey($_) })
    if ($Store['Session'] -ne '' -or $lost.Count -gt 0) {
        Clear-StoreRule -Store $Store -Name $Rule['Name']
        Add-StoreRule -Store $Store -Rule $Rule
        return
    }
    $parameters = @{ PolicyStore = $Store['Name']; Name = $Rule['Name'] }
    $names = @($Field)
    # Windows checks ports and types against the protocol that it is told with them.
    $bound = @('Protocol', 'LocalPort', 'RemotePort', 'IcmpType')
    if (@($names | Where-Object { $_ -in $bound }).Count -gt 0) {
        $names = @($names | Where-Object { $_ -notin $bound }) + 'Protocol'
        switch (ConvertTo-ProtocolText -Value "$($Rule['Protocol'])") {
            { $_ -in @('tcp', 'udp') } { $names += @('LocalPort', 'RemotePort') }
            { $_ -in @('icmpv4', 'icmpv6') } { $names += 'IcmpType' }
        }
    }
    foreach ($item in @(Get-RuleField | Where-Object { $_['Name'] -in $names })) {
        $parameters[$item['Name']] = $item['Default']
        if ($Rule.ContainsKey($item['Name'])) {
            $parameters[$item['Name']] = $Rule[$item['Name']]
        }
    }
    $parameters = ConvertTo-Parameter -Rule $parameters
    Set-NetFirewallRule @parameters -ErrorAction Stop
}

function Clear-StoreRule {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $place = Get-StorePlace -Store $Store
    $command = Get-Command -Name 'Remove-NetFirewallRule' -ErrorAction Stop
    if ($command.Parameters.ContainsKey(@($place.Keys)[0])) {
        Remove-NetFirewallRule @place -Name $Name -ErrorAction Stop
        return
    }
    # Windows Server 2022 took the parameter from the cmdlet, but not from what is below it. Whatever
    # goes was there when the session began.
    $space = 'ROOT\StandardCimv2'
    if ($null -eq $Store['Cim']) {
        $type = 'Microsoft.Management.Infrastructure.Options.CimOperationOptions'
        $options = New-Object -TypeName $type
        $options.SetCustomOption('GPOSession', $Store['Session'], $false)
        $Store['CimOptions'] = $options
        $Store['CimRules'] = @{}
        $Store['Cim'] = New-CimSession -ErrorAction Stop
        $found = @($Store['Cim'].EnumerateInstances($space, 'MSFT_NetFirewallRule', $options))
        foreach ($rule in $found) {
            $id = "$($rule.CimInstanceProperties['InstanceID'].Value)"
            $Store['CimRules'][$id] = $rule
        }
    }
    $Store['Cim'].DeleteInstance($space, $Store['CimRules'][$Name], $Store['CimOptions'])
}

function Test-Subject {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # Whether the rule or dynamic keyword of ours that the change is about is there.
    if ($Change['Kind'] -like '*Keyword') {
        return (Get-DynamicKeyword).ContainsKey($Change['Keyword']['Id'].Trim('{', '}'))
    }
    $parameters = @{ PolicyStore = $Store['Name']; Name = $Change['Name'] }
    try {
        $found = @(Get-NetFirewallRule @parameters -ErrorAction Stop)
    }
    catch {
        if ("$($_.CategoryInfo.Category)" -ne 'ObjectNotFound') {
            throw
        }
        return $false
    }
    @($found | Where-Object { $_.Group -eq $Store['MemoryRule']['Group'] }).Count -gt 0
}

function Invoke-Change {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    $name = $Change['Name']
    switch ($Change['Kind']) {
        'NewKeyword' {
            $parameters = $Change['Keyword'].Clone()
            if (-not $parameters.ContainsKey('Addresses')) {
                $parameters['AutoResolve'] = $true
            }
            New-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop | Out-Null
        }
        'SetKeyword' {
            $parameters = @{ Id = $Change['Keyword']['Id'] }
            $parameters['Addresses'] = $Change['Keyword']['Addresses']
            Update-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop | Out-Null
        }
        'RemoveKeyword' {
            $parameters = @{ Id = $Change['Keyword']['Id'] }
            Remove-NetFirewallDynamicKeywordAddress @parameters -ErrorAction Stop
        }
        'NewRule' { Add-StoreRule -Store $Store -Rule $Change['Rule'] }
        'SetRule' { Edit-StoreRule -Store $Store -Rule $Change['Rule'] -Field $Change['Field'] }
        'RemoveRule' { Clear-StoreRule -Store $Store -Name $name }
        'Setting' { Write-Setting -Store $Store -Change $Change }
        'Memory' { Write-Memory -Store $Store -Change $Change }
        'Proxy' { Write-ProxyState -Layer $Change['Layer'] -State $Change['State'] }
        default { throw ('There is no change of kind {0}.' -f $_) }
    }
}

function Assert-SameVersion {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        # Every rule that was read, and those of ours as parameters.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $EveryRule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live
    )
    # A domain controller may not have yet what another has, of which the plan was made. Newer
    # versions of Get-NetFirewallRule know no session; the filters, of which each rule has one, do.
    # Rules of IPsec have such filters, too: what is there has to be here, whatever it belongs to.
    $field = @{ Name = 'RemoteAddress'; Kind = 'Address'; Default = 'Any' }
    $there = @{}
    $session = $Store['Session']
    foreach ($filter in @(Get-NetFirewallAddressFilter -GPOSession $session -ErrorAction Stop)) {
        $there["$($filter.InstanceID)"] = $filter
    }
    $known = @{}
    $parameters = @{ PolicyStore = $Store['Name'] }
    foreach ($item in @(Get-NetFirewallAddressFilter @parameters -ErrorAction Stop) + $EveryRule) {
        $known["$($item.InstanceID)"] = $true
    }
    $same = @($EveryRule | Where-Object { -not $there.ContainsKey("$($_.InstanceID)") }).Count -eq 0
    $same = $same -and @($there.Keys | Where-Object { -not $known.ContainsKey($_) }).Count -eq 0
    foreach ($item in $EveryRule) {
        $name = "$($item.Name)"
        if ($same -and $Live.ContainsKey($name)) {
            $here = ConvertTo-FieldText -Field $field -Value $Live[$name]['RemoteAddress']
            $now = $there["$($item.InstanceID)"].RemoteAddress
            $same = $here -eq (ConvertTo-FieldText -Field $field -Value $now)
        }
    }
    if (-not $same) {
        $text = 'The domain controller has another version of the Group Policy object than was read'
        throw ($text + ' here. Wait until it has been replicated, then run this again.')
    }
}

function Enter-Run {
    [CmdletBinding()]
    [OutputType([System.Threading.Mutex])]
    param ()
    $arguments = @($false, 'Global\hcipolc')
    $mutex = $null
    $isFree = $false
    try {
        $mutex = New-Object -TypeName 'System.Threading.Mutex' -ArgumentList $arguments
        $isFree = $mutex.WaitOne(0)
    }
    catch [System.Threading.AbandonedMutexException] {
        # Whoever had it ended without giving it back.
        $isFree = $true
    }
    catch {
        # Whoever has it is another account, which lets nobody else touch it.
        if ($_.Exception.GetBaseException() -isnot [System.UnauthorizedAccessException]) {
            throw
        }
    }
    if (-not $isFree) {
        if ($null -ne $mutex) {
            $mutex.Dispose()
        }
        throw 'Nothing was changed: another run of such a script is going on here. Wait for its end.'
    }
    $mutex
}

function Exit-Run {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [System.Threading.Mutex] $Mutex
    )
    if ($null -ne $Mutex) {
        $Mutex.ReleaseMutex()
        $Mutex.Dispose()
    }
}
# ---- the engine, undoing: what a run did before it failed; the same in every script -------------
# It runs while an error or Ctrl+C is on its way: no warning may become another error.

function Test-Taken {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # What a failed change has said.
        [Parameter(Mandatory = $true)]
        [System.Management.Automation.ErrorRecord] $ErrorRecord
    )
    # Windows' error 183: somebody has made a rule of that name. Its text is translated.
    "$($ErrorRecord.CategoryInfo.Category)" -eq 'ResourceExists' -or
    "$($ErrorRecord.FullyQualifiedErrorId)" -like 'Windows System Error 183,*'
}

function Undo-Change {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    # Whether the change was made, and whether all of it, is not known: it may have failed.
    $inverse = $Change.Clone()
    $verb, $what = $Change['Kind'] -csplit '(?=Rule$|Keyword$)'
    switch ($verb) {
        'New' {
            if (-not (Test-Subject -Change $Change -Store $Store)) {
                return
            }
            $inverse['Kind'] = "Remove$what"
        }
        'Remove' {
            if (Test-Subject -Change $Change -Store $Store) {
                return
            }
            $inverse['Kind'] = "New$what"
            $inverse['Rule'] = $Change['Former']
        }
        'Set' {
            $inverse[$what] = $Change['Former']
            # It may have been removed, to be made anew.
            if (-not (Test-Subject -Change $Change -Store $Store)) {
                $inverse['Kind'] = "New$what"
            }
        }
        'Proxy' { $inverse['State'] = $Change['Former'] }
        default { $inverse['Value'] = $Change['Former'] }
    }
    Invoke-Change -Change $inverse -Store $Store
}

function Test-StillBlocked {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # Of an outbound action that could not be put back.
        [Parameter(Mandatory = $true)]
        [hashtable] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    if ($Change['Value'] -ne 'Block') {
        return $false
    }
    try {
        $now = Read-Setting -Store $Store['Name'] -Rule @()
    }
    catch {
        # Nobody knows, which is not the time to take rules away.
        return $true
    }
    $now[$Change['Name']] -eq 'Block'
}

function Undo-All {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    $loud = @{ WarningAction = 'Continue' }
    $text = 'Not everything could be done: what this run did is being undone.'
    Write-Warning -Message $text @loud
    # What blocks outbound traffic again comes last, and only once every way out is back.
    $closing = @($Change | Where-Object { $_['Kind'] -eq 'Setting' -and $_['Former'] -eq 'Block' })
    $closing = @($closing | ForEach-Object { $_['Name'] })
    $last = @()
    $order = @(
        for ($i = $Change.Count - 1; $i -ge 0; $i--) {
            if ($Change[$i]['Name'] -notin $closing) {
                $Change[$i]
                continue
            }
            $last += $Change[$i]
        }
    )
    $blocked = @()
    $lost = @()
    $left = @()
    foreach ($each in $order + $last) {
        $name = $each['Name']
        $text = '{0} ({1})' -f $name, $each['Kind']
        # With outbound traffic blocked the rules and the proxy are the only way out. Those that the
        # run removed have come back before: they were removed last. Nor does anything forget what
        # was there before the Block, which is still to be put back.
        $isWay = $each['Kind'] -match '^(New|Set)(Rule|Keyword)$'
        $isProxy = "$($each['Subject'])" -like 'Proxy of *'
        if (($isWay -and $blocked.Count + $lost.Count -gt 0) -or
            ($isProxy -and $blocked.Count -gt 0) -or
            ($name -in $closing -and $lost.Count -gt 0) -or
            $name -in @($blocked | ForEach-Object { $_['Name'] })) {
            $left += $text
            continue
        }
        try {
            Undo-Change -Change $each -Store $Store
        }
        catch {
            $left += $text
            Write-Warning -Message ('{0} could not be put back: {1}' -f $text, $_) @loud
            if ($each['Kind'] -eq 'Setting' -and $name -like 'Outbound *' -and
                (Test-StillBlocked -Change $each -Store $Store)) {
                $blocked += $each
            }
            elseif ($each['Kind'] -in @('RemoveRule', 'SetRule') -and
                $each['Former']['Direction'] -eq 'Outbound' -and
                "$($each['Former']['Action'])" -ne 'Block') {
                $lost += $name
            }
        }
    }
    foreach ($each in $blocked) {
        $text = '{0} still blocks what no rule allows. To open it: Set-NetFirewallProfile -Name {1}'
        $text += ' -DefaultOutboundAction Allow'
        Write-Warning -Message ($text -f $each['Name'], ($each['Name'] -split ' ')[1]) @loud
    }
    if ($lost.Count -gt 0) {
        foreach ($name in @($closing | Sort-Object)) {
            $text = '{0} stays open because rule {1} is missing: run Apply.'
            Write-Warning -Message ($text -f $name, ($lost -join ', ')) @loud
        }
    }
    $text = 'All of it was undone.'
    if ($left.Count -gt 0) {
        $text = '{0} of {1} steps were not undone: {2}.'
        $text = $text -f $left.Count, $Change.Count, (Format-Some -Value $left)
    }
    Write-Warning -Message $text @loud
}
# ---- the engine, memory: what was there before Apply; the same in every script ------------------
# It is kept in the registry, which only administrators can write; in a Group Policy object, in a
# rule that is disabled and for addresses that nobody has. Every cluster and every group of rules
# has a memory of its own. What two of them have set stays until the last of them goes, which puts
# back what was there before the first.

$memoryRoot = 'HKLM:\SOFTWARE\hcipolc'
$memoryTitle = 'hcipolc: what this object had before'

function Get-MemoryOwner {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy
    )
    # The cluster, and the group unless it is the cluster's own.
    $owner = $Policy['NamePrefix'].TrimEnd('-')
    if ($Policy['Group'] -eq ($owner -replace '^hcipolc-', 'hcipolc:')) {
        return $owner
    }
    # Groups are longer than the names of keys, and may have a backslash.
    $type = 'System.Security.Cryptography.SHA256CryptoServiceProvider'
    $hash = New-Object -TypeName $type
    $group = [System.Text.Encoding]::UTF8.GetBytes($Policy['Group'].ToLowerInvariant())
    $text = [System.BitConverter]::ToString($hash.ComputeHash($group), 0, 4)
    '{0} {1}' -f $owner, $text.Replace('-', '').ToLowerInvariant()
}

function Get-MemoryRuleName {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy
    )
    # Of a Group Policy object.
    $owner = @((Get-MemoryOwner -Policy $Policy) -split ' ')
    (@($owner[0], 'memory') + @($owner | Select-Object -Skip 1)) -join '-'
}

function Get-RegistryTable {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key
    )
    # All values of a key of ours as texts.
    $table = @{}
    if (Test-Path -LiteralPath $Key) {
        $item = Get-ItemProperty -LiteralPath $Key -ErrorAction Stop
        if ($null -ne $item) {
            foreach ($property in $item.PSObject.Properties) {
                if ($property.Name -notlike 'PS*') {
                    $table[$property.Name] = "$($property.Value)"
                }
            }
        }
    }
    $table
}

function Get-OtherMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        # A key with a key for each owner.
        [Parameter(Mandatory = $true)]
        [string] $Root,

        [Parameter(Mandatory = $true)]
        [string] $Owner
    )
    # What the others remember. Each of them has what was there before the first.
    $table = @{}
    if (Test-Path -LiteralPath $Root) {
        foreach ($item in @(Get-ChildItem -LiteralPath $Root -ErrorAction Stop)) {
            if ($item.PSChildName -ne $Owner) {
                $other = Get-RegistryTable -Key ('{0}\{1}' -f $Root, $item.PSChildName)
                foreach ($name in @($other.Keys)) {
                    $table[$name] = $other[$name]
                }
            }
        }
    }
    $table
}

function Read-StoreMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $Name,

        # Of the other owners.
        [Parameter()]
        [switch] $IsOther
    )
    # NAME=VALUE; NAME=VALUE
    $table = @{}
    $found = @($Rule | Where-Object { $_.Name -eq $Name })
    if ($IsOther) {
        $found = @(
            $Rule | Where-Object { $_.DisplayName -eq $memoryTitle -and $_.Name -ne $Name }
        )
    }
    foreach ($item in $found) {
        foreach ($text in @("$($item.Description)" -split '; ' -like '*=*')) {
            $left, $right = $text -split '=', 2
            $table[$left] = $right
        }
    }
    $table
}

function Save-StoreMemory {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        # What the object remembers until then.
        [Parameter(Mandatory = $true)]
        [hashtable] $Former
    )
    $rule = $Store['MemoryRule']
    $texts = foreach ($table in @($Former, $Store['Memory'])) {
        @($table.Keys | Sort-Object | ForEach-Object { "$_=$($table[$_])" }) -join '; '
    }
    if ($texts[0] -ceq $texts[1]) {
        return
    }
    if ($texts[0] -ne '') {
        Clear-StoreRule -Store $Store -Name $rule['Name']
    }
    if ($texts[1] -ne '') {
        $rule['Description'] = $texts[1]
        Add-StoreRule -Store $Store -Rule $rule
    }
}

function Write-Memory {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        # Its Value is null: there is to be no such value.
        [Parameter(Mandatory = $true)]
        [hashtable] $Change
    )
    $key, $name, $value = $Change['Key'], $Change['Name'], $Change['Value']
    if ($Store['Session'] -ne '') {
        # Written before the session is saved.
        $Store['Memory'].Remove($name)
        if ($null -ne $value) {
            $Store['Memory'][$name] = $value
        }
        return
    }
    # A question about the memory would be one too many, also while a failed run is undone.
    $quiet = @{ Confirm = $false; WhatIf = $false; ErrorAction = 'Stop' }
    if ($null -ne $value) {
        if (-not (Test-Path -LiteralPath $key)) {
            New-Item -Path $key -Force @quiet | Out-Null
        }
        $parameters = @{ LiteralPath = $key; Name = $name; Value = "$value" }
        New-ItemProperty @parameters -PropertyType 'String' -Force @quiet | Out-Null
        return
    }
    if ((Get-RegistryTable -Key $key).ContainsKey($name)) {
        Remove-ItemProperty -LiteralPath $key -Name $name @quiet
    }
    # Keys that hold nothing any more go, up to the one for all policies.
    $each = $key
    while ($each.StartsWith($memoryRoot, [System.StringComparison]::Ordinal)) {
        if (Test-Path -LiteralPath $each) {
            if ((Get-RegistryTable -Key $each).Count -gt 0 -or
                @(Get-ChildItem -LiteralPath $each -ErrorAction Stop).Count -gt 0) {
                return
            }
            Remove-Item -LiteralPath $each @quiet
        }
        $each = $each.Substring(0, $each.LastIndexOf('\'))
    }
}
# ---- the engine, the machine: profiles and rules of Windows' own; the same in every script ------
# Apply may have to change two things that are not rules of ours: the outbound action of a profile
# ('Outbound Domain') and whether a rule of Windows' own is enabled ('Built-in RULE'; a Group Policy
# object may have none: Absent).

function Read-Setting {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store,

        # Rules of Windows' own in the store.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    $settings = @{}
    foreach ($item in @(Get-NetFirewallProfile -PolicyStore $Store -ErrorAction Stop)) {
        $settings["Outbound $($item.Name)"] = "$($item.DefaultOutboundAction)"
    }
    foreach ($item in $Rule) {
        $settings["Built-in $($item.Name)"] = "$($item.Enabled)"
    }
    $settings
}

function Write-Setting {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $Change
    )
    $kind, $subject = $Change['Name'] -split ' ', 2
    $place = Get-StorePlace -Store $Store
    if ($kind -eq 'Outbound') {
        $parameters = @{ Name = $subject; DefaultOutboundAction = $Change['Value'] }
        if ($Store['Session'] -eq '' -and $Change['Value'] -eq 'NotConfigured') {
            # A server's own profiles say that, and mean Allow; whether it can be set there, or in a
            # Group Policy object alone, is not known.
            try {
                Set-NetFirewallProfile @parameters @place -ErrorAction Stop
                $is = (Read-Setting -Store $Store['Name'] -Rule @())[$Change['Name']]
            }
            catch {
                $is = "$_"
            }
            if ($is -in @('NotConfigured', 'Allow')) {
                return
            }
            $parameters['DefaultOutboundAction'] = 'Allow'
        }
        Set-NetFirewallProfile @parameters @place -ErrorAction Stop
        return
    }
    if ($Store['Session'] -eq '') {
        $parameters = @{ Name = $subject; Enabled = $Change['Value'] }
        Set-NetFirewallRule @parameters @place -ErrorAction Stop
        return
    }
    # A Group Policy object has a copy of the rule, which replaces the server's own of that name.
    if ($Change['Former'] -ne 'Absent') {
        Clear-StoreRule -Store $Store -Name $subject
    }
    if ($Change['Value'] -ne 'Absent') {
        if (-not $Store['Template'].ContainsKey($subject)) {
            throw ('This machine does not have the rule {0} to copy.' -f $subject)
        }
        $rule = $Store['Template'][$subject].Clone()
        $rule['Enabled'] = $Change['Value']
        Add-StoreRule -Store $Store -Rule $rule
    }
}

function Get-SettingChange {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key,

        [Parameter(Mandatory = $true)]
        [hashtable] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Memory,

        # After the changes; without what is not remembered any more.
        [Parameter(Mandatory = $true)]
        [hashtable] $Remembered
    )
    foreach ($name in @($Wanted.Keys | Sort-Object)) {
        $text = 'Set to {0}' -f $Wanted[$name]
        $note = @{
            Kind = 'Memory'; Name = $name; Text = $text; Key = $Key
            Value = $Remembered[$name]; Former = $Memory[$name]
        }
        $setting = @{
            Kind = 'Setting'; Name = $name; Text = $text; Finding = $text
            Value = $Wanted[$name]; Former = $Live[$name]
        }
        $known = $Live.ContainsKey($name)
        # Remembered before it is changed, forgotten after it is changed back.
        if ("$($note['Value'])" -ne "$($note['Former'])" -and $null -ne $note['Value']) {
            $note
        }
        if ($known -and $setting['Value'] -ne $setting['Former']) {
            $setting
        }
        if ($null -eq $note['Value'] -and $null -ne $note['Former']) {
            $note
        }
    }
}

function Get-BuiltinFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Builtin,

        # Rules of Windows' own by name, as parameters.
        [Parameter(Mandatory = $true)]
        [hashtable] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Setting
    )
    # A rule of Windows' own is counted on as the table describes it: from and to every address. It
    # may be for one program, and for more profiles. Others of its properties are not ours to set.
    $fields = @(Get-RuleField)
    foreach ($item in $Builtin) {
        $name = 'Built-in {0}' -f $item['Name']
        if (-not $Live.ContainsKey($item['Name'])) {
            $detail = 'This machine does not have this rule: is its feature installed?'
            [pscustomobject] @{ Name = $name; Finding = 'Missing'; Detail = $detail }
            continue
        }
        $values = $Live[$item['Name']]
        $details = @(
            foreach ($field in @(Get-DifferentField -Wanted $item -Live $values -Among $fields)) {
                if ($field['Name'] -in @('Enabled', 'Program', 'Service', 'Owner')) {
                    continue
                }
                if ($field['Name'] -eq 'Profile') {
                    if (Test-ProfileOf -Rule $values -Policy $Policy) {
                        continue
                    }
                    $item['Profile'] = $Policy['Profile']
                }
                Format-Difference -Field $field -Wanted $item -Live $values
            }
        )
        if ($details.Count -gt 0) {
            $detail = $details -join '; '
            [pscustomobject] @{ Name = $name; Finding = 'Unsuitable'; Detail = $detail }
        }
        elseif ($Setting[$name] -ne 'True') {
            $text = $Setting[$name] -replace '^False$', 'Disabled'
            [pscustomobject] @{ Name = $name; Finding = $text; Detail = '' }
        }
    }
}

function Get-EnforcementFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Keyword
    )
    # Why rules that are all there may still not decide what passes. Objects for what takes the
    # rules out of force, warnings for what lets more pass than they say.
    $finding = {
        [pscustomobject] @{ Name = $args[0]; Finding = 'Not in force'; Detail = $args[1] }
    }
    $inbound = @($Wanted | Where-Object { $_['Direction'] -eq 'Inbound' }).Count -gt 0
    $allows = @($Wanted | Where-Object { $_['Action'] -eq 'Allow' })
    $out = @($allows | Where-Object { $_['Direction'] -eq 'Outbound' }).Count -gt 0
    foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
        if ($Policy['Profile'] -ne 'Any' -and $item.Name -notin @($Policy['Profile'] -split ', ')) {
            continue
        }
        $name = 'Profile {0}' -f $item.Name
        if ("$($item.Enabled)" -eq 'False') {
            & $finding $name 'The firewall is off.'
        }
        if ("$($item.AllowLocalFirewallRules)" -eq 'False') {
            & $finding $name 'Group Policy has local rules ignored (AllowLocalFirewallRules).'
        }
        if ($inbound -and "$($item.AllowInboundRules)" -eq 'False') {
            & $finding $name 'Inbound rules are ignored (AllowInboundRules is False).'
        }
        if ($Policy['Outbound'] -eq 'Block' -and "$($item.DefaultOutboundAction)" -ne 'Block') {
            $text = 'Outbound traffic that no rule allows passes: default is {0}.'
            & $finding $name ($text -f $item.DefaultOutboundAction)
        }
        elseif ($out -and "$($item.DefaultOutboundAction)" -ne 'Block') {
            $text = '{0}: outbound traffic that no rule allows passes (no default Block).'
            Write-Warning -Message ($text -f $name)
        }
        if ("$($item.DefaultInboundAction)" -eq 'Allow') {
            $text = '{0}: inbound traffic that no rule allows passes (default is Allow).'
            Write-Warning -Message ($text -f $name)
        }
    }
    $own = @{}
    $Wanted | ForEach-Object { $own[$_['Name']] = $true }
    $ways = @($allows | ForEach-Object { "$($_['Direction'])" })
    $blocks = @()
    foreach ($item in @(Get-NetFirewallRule -PolicyStore ActiveStore -ErrorAction Stop)) {
        $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
        if ($own.ContainsKey("$($item.Name)")) {
            # Of two rules with one name, that of Group Policy is in force.
            if ($source -eq 'GroupPolicy') {
                & $finding $item.Name 'A rule of Group Policy has this name and replaces it.'
            }
        }
        elseif ("$($item.Action)" -eq 'Block' -and "$($item.Enabled)" -eq 'True' -and
            $source -ne 'Hardcoded' -and "$($item.Direction)" -in $ways) {
            $blocks += '{0} ({1})' -f $item.Name, $item.DisplayName
        }
    }
    if ($blocks.Count -gt 0) {
        $text = '{0} block rules of others are in force and may beat allow rules of the policy: {1}'
        Write-Warning -Message ($text -f $blocks.Count, (Format-Some -Value $blocks))
    }
    if (@($Keyword | Where-Object { -not $_.ContainsKey('Addresses') }).Count -gt 0) {
        foreach ($text in @(Get-ResolverFault)) {
            & $finding 'Rules by host name' $text
        }
    }
}

function Get-ResolverFault {
    [CmdletBinding()]
    [OutputType([string])]
    param ()
    # Host names are resolved by the network protection of Defender Antivirus.
    foreach ($name in @('Get-MpComputerStatus', 'Get-MpPreference')) {
        if ($null -eq (Get-Command -Name $name -ErrorAction SilentlyContinue)) {
            return 'Defender Antivirus, which resolves the names, is not there.'
        }
    }
    $status = Get-MpComputerStatus -ErrorAction Stop
    $version = "$(Get-PropertyValue -InputObject $status -Name 'AMProductVersion')"
    if ($version -as [version] -lt [version] '4.18.2209.7') {
        'Defender Antivirus is version {0}; resolving names needs 4.18.2209.7.' -f $version
    }
    $preference = Get-MpPreference -ErrorAction Stop
    $protection = "$(Get-PropertyValue -InputObject $preference -Name 'EnableNetworkProtection')"
    if ($protection -notin @('1', '2', 'Enabled', 'AuditMode')) {
        'Network protection is off (Set-MpPreference -EnableNetworkProtection Enabled).'
    }
    $name = 'AllowNetworkProtectionOnWinServer'
    if ("$(Get-PropertyValue -InputObject $preference -Name $name)" -eq 'False') {
        'Network protection is not allowed on servers (Set-MpPreference -{0} $true).' -f $name
    }
}
# ---- the engine, needs: what a server cannot be without; the same in every script ---------------
# With the default outbound action Block, a server that may not ask its name servers and domain
# controllers is lost to its administrators, and asks for no new Group Policy. A need is what one
# program of Windows, or one service in it, asks of one address; an address is '' if none was found.

$nameNeed = 'UDP 53 system32\svchost.exe dnscache'

function ConvertTo-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        # Protocol, port, program and service.
        [Parameter(Mandatory = $true)]
        [string] $Text,

        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address,

        [Parameter(Mandatory = $true)]
        [string] $For
    )
    $protocol, $port, $program, $service = $Text -split ' '
    @{
        Protocol = $protocol; Port = [int] $port; Program = $program; Service = "$service"
        Address = $Address; For = $For; LocalPort = 0; Keyword = 'Any'; AnyOf = $false
    }
}

function Get-ControllerNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Address,

        # Whether one of them is enough.
        [Parameter()]
        [switch] $AnyOf
    )
    if ($Address.Count -eq 0) {
        $text = 'the domain controllers (none was found)'
        ConvertTo-Need -Text 'TCP 0 System' -Address '' -For $text
    }
    # The local security authority logs on and finds a controller, Group Policy asks for its
    # objects, and the file system in the kernel fetches them.
    $asked = @(
        'TCP 88 system32\lsass.exe', 'TCP 389 system32\lsass.exe'
        'TCP 389 system32\svchost.exe gpsvc', 'UDP 389 system32\lsass.exe'
        'TCP 135 system32\lsass.exe', 'TCP 135 system32\svchost.exe gpsvc', 'TCP 445 System'
    )
    foreach ($item in @($Address | Sort-Object -Unique)) {
        foreach ($text in $asked) {
            $need = ConvertTo-Need -Text $text -Address $item -For 'domain controller'
            $need['AnyOf'] = [bool] $AnyOf
            $need
        }
    }
}

function Get-PolicyNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # Of a server that a Group Policy object is for, whichever it is: some name server, and one of
    # the domain controllers, whose addresses are those of the domain's name.
    $need = ConvertTo-Need -Text $nameNeed -Address 'any address' -For 'a name server at'
    $need['Keyword'] = 'DNS'
    $need
    $known = @()
    try {
        $known = @([System.Net.Dns]::GetHostAddresses(($Store -split '\\')[0]))
    }
    catch {
        Write-Warning -Message ('The addresses of the domain were not found: {0}' -f $_)
    }
    Get-ControllerNeed -Address @($known | ForEach-Object { "$_" -replace '%.*$', '' }) -AnyOf
}

function Get-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # Of this server. Windows' class of cards lists name servers of IPv4 alone.
    $servers = @(
        foreach ($card in @(Get-DnsClientServerAddress -ErrorAction Stop)) {
            # Where nobody has set any, a card of IPv6 shows three that nobody has.
            $card.ServerAddresses | Where-Object { "$_" -notmatch '^$|^fec0:0:0:ffff::' }
        }
    )
    if ($servers.Count -eq 0) {
        $text = 'the name servers (none was found)'
        ConvertTo-Need -Text 'TCP 0 System' -Address '' -For $text
    }
    foreach ($server in @($servers | Select-Object -Unique)) {
        if ($server -notmatch '^127\.|^::1$') {
            $need = ConvertTo-Need -Text $nameNeed -Address $server -For 'name server'
            $need['Keyword'] = 'DNS'
            $need
        }
    }
    $filter = 'IPEnabled = TRUE'
    $class = 'Win32_NetworkAdapterConfiguration'
    $cards = @(Get-CimInstance -ClassName $class -Filter $filter -ErrorAction Stop)
    foreach ($card in $cards) {
        $server = "$(Get-PropertyValue -InputObject $card -Name 'DHCPServer')"
        $usesDhcp = "$(Get-PropertyValue -InputObject $card -Name 'DHCPEnabled')" -eq 'True'
        if ($usesDhcp -and $server -ne '') {
            # A lease is renewed by its server; after a start anybody is asked, from no address yet.
            $text = 'UDP 67 system32\svchost.exe dhcp'
            $need = ConvertTo-Need -Text $text -Address $server -For 'DHCP server'
            $need['LocalPort'] = 68
            $need['Keyword'] = 'DHCP'
            $need
            $need = ConvertTo-Need -Text $text -Address '255.255.255.255' -For 'DHCP servers by'
            $need['LocalPort'] = 68
            $need['Source'] = @('0.0.0.0')
            $need
        }
    }
    $computer = Get-CimInstance -ClassName 'Win32_ComputerSystem' -ErrorAction Stop
    if ("$(Get-PropertyValue -InputObject $computer -Name 'PartOfDomain')" -ne 'True') {
        return
    }
    $controllers = @(
        foreach ($item in @(Get-CimInstance -ClassName 'Win32_NTDomain' -ErrorAction Stop)) {
            $text = "$(Get-PropertyValue -InputObject $item -Name 'DomainControllerAddress')"
            if ($text -ne '') {
                $text.TrimStart('\')
            }
        }
    )
    Get-ControllerNeed -Address $controllers
}

function Get-SourceAddress {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Address
    )
    # The address of this server from which it asks that one; nothing if there is no way there.
    try {
        $found = @(Find-NetRoute -RemoteIPAddress $Address -ErrorAction Stop)
    }
    catch {
        return
    }
    foreach ($item in $found) {
        $text = "$(Get-PropertyValue -InputObject $item -Name 'IPAddress')" -replace '%.*$', ''
        if ($text -ne '') {
            $text
        }
    }
}
# ---- the engine, guard of the ways out; the same in every script --------------------------------
# Replies to sessions from outside need no rule.

# What Test-Covered looks at; every other parameter narrows a rule.
$understood = @(
    'Name', 'DisplayName', 'Description', 'Group', 'Direction', 'Action', 'Enabled', 'Profile'
    'EdgeTraversalPolicy', 'LooseSourceMapping', 'LocalOnlyMapping', 'Protocol', 'LocalPort'
    'RemotePort', 'LocalAddress', 'RemoteAddress', 'Program', 'Service'
)

function Test-Covered {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Need,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # Whether an allow rule is for the need in every case, or a block rule may be. Parameters that
    # the rule lacks are Any.
    $protocol = ConvertTo-ProtocolText -Value "$($Rule['Protocol'])"
    if ($protocol -notin @('', 'any', $Need['Protocol'])) {
        return $false
    }
    $blocks = "$($Rule['Action'])" -eq 'Block'
    $folder = '^(.*\\windows|%systemroot%|%windir%)\\(?=system32\\)'
    $service = "$($Rule['Service'])"
    # In every culture: to Turkish ones I is no capital i.
    $program = "$($Rule['Program'])".ToLowerInvariant() -creplace $folder, ''
    if ($program -notin @('', $Need['Program']) -or
        ($service -notin @('', $Need['Service']) -and -not ($blocks -and $service -eq '*'))) {
        return $false
    }
    if (-not (Test-Port -Port $Need['Port'] -Range $Rule['RemotePort']) -or
        -not ($blocks -or (Test-Port -Port $Need['LocalPort'] -Range $Rule['LocalPort']))) {
        return $false
    }
    $narrow = @($Rule.Keys | Where-Object { $_ -notin $understood })
    # Rules for packages are for apps, none of which asks.
    if (($narrow.Count -gt 0 -and -not $blocks) -or @($narrow -like 'Package*').Count -gt 0) {
        return $false
    }
    $isAny = $Need['Address'] -eq 'any address'
    $length = (ConvertTo-AddressSpan -Address $Need['Address']).Length
    $sources = @(
        foreach ($item in $Need['Source']) {
            if ($isAny -or (ConvertTo-AddressSpan -Address $item).Length -eq $length) {
                $item
            }
        }
    )
    $own = @($Rule['LocalAddress'] | Where-Object { "$_" -notin @('', 'Any') })
    $from = @($sources | Where-Object { Test-Within -Address $_ -Range $own })
    if ($own.Count -gt 0 -and $from.Count -eq 0 -and -not ($blocks -and $sources.Count -eq 0)) {
        return $false
    }
    $to = @($Rule['RemoteAddress'] | Where-Object { "$_" -ne '' })
    $words = @($to | Where-Object { (ConvertTo-AddressSpan -Address $_) -notmatch '^[0-9A-F]+-' })
    $named = $Rule.ContainsKey('RemoteDynamicKeywordAddresses')
    $right = @($words | Where-Object { $_ -in @('Any', $Need['Keyword']) })
    if (($to.Count -eq 0 -and -not $named) -or $right.Count -gt 0) {
        return $true
    }
    if ($isAny) {
        return -not $blocks
    }
    ($blocks -and ($named -or $words.Count -gt 0)) -or
    (Test-Within -Address $Need['Address'] -Range $to)
}

function Get-LockOut {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        # The rules of ours that there will be.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        # Whether whatever no rule blocks passes.
        [Parameter(Mandatory = $true)]
        [bool] $IsOpen
    )
    # What the server needs and could not reach, if nothing allowed it beside those rules but what
    # is in force now. Allow rules count if they act in every profile of the policy: a server is in
    # that of the domain only once it has reached a controller. What a Group Policy object allows
    # has to be in it: servers may ignore their own rules.
    $where = 'ActiveStore'
    if ($Store -eq 'PersistentStore') {
        $names = @($Policy['Profile'] -split ', ')
        $ignoring = @(
            foreach ($item in @(Get-NetFirewallProfile -PolicyStore $where -ErrorAction Stop)) {
                if ("$($item.AllowLocalFirewallRules)" -eq 'False' -and
                    ($names[0] -eq 'Any' -or $item.Name -in $names)) {
                    $item.Name
                }
            }
        )
        if ($ignoring.Count -gt 0 -and -not $IsOpen) {
            $text = 'what the policy''s rules allow, since Group Policy has local rules ignored'
            return ('{0} (AllowLocalFirewallRules, {1})' -f $text, ($ignoring -join ', '))
        }
        $needs = @(Get-Need)
    }
    else {
        $where = $Store
        $needs = @(Get-PolicyNeed -Store $Store)
    }
    if ($needs.Count -eq 0) {
        return
    }
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store $where
    $every = @(Get-NetFirewallRule -PolicyStore $where -ErrorAction Stop)
    $own = Get-OwnRule -Policy $Policy -Rule $every
    $out = @(
        $Wanted
        foreach ($item in $every) {
            # Restrictions of Windows' services are asked for apart from all this, and rules that
            # somebody made in the active store are gone after the next start.
            $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
            $counts = $source -ne 'Hardcoded' -and
                ("$($item.Action)" -eq 'Block' -or $source -notin @('Dynamic', 'Generated'))
            if ($counts -and -not $own.ContainsKey("$($item.Name)") -and
                "$($item.Direction)" -eq 'Outbound') {
                Get-LiveValue -Rule $item -Index $index -Field $fields
            }
        }
    )
    $out = @(
        $out | Where-Object { $_['Direction'] -eq 'Outbound' -and "$($_['Enabled'])" -ne 'False' } |
            Where-Object { $_['Action'] -eq 'Block' -or (Test-ProfileOf -Rule $_ -Policy $Policy) }
    )
    $known = @{}
    $missing = @(
        foreach ($need in $needs) {
            $address = $need['Address']
            if (-not $known.ContainsKey($address)) {
                $known[$address] = $Policy['Address']
                if ($Store -eq 'PersistentStore' -and $address -ne '') {
                    $known[$address] = @(Get-SourceAddress -Address $address)
                }
            }
            if (-not $need.ContainsKey('Source')) {
                $need['Source'] = $known[$address]
            }
            $found = @{ Allow = $false; Block = $false }
            foreach ($rule in $out) {
                $action = "$($rule['Action'])" -replace '^$', 'Allow'
                if (-not $found[$action] -and $address -ne '' -and
                    (Test-Covered -Need $need -Rule $rule)) {
                    $found[$action] = $true
                }
            }
            if ($found['Block'] -or -not ($IsOpen -or $found['Allow'])) {
                $need
            }
        }
    )
    $lost = @($missing | ForEach-Object { $_['Address'] })
    $kept = @($needs | Where-Object { $_['AnyOf'] -and $_['Address'] -notin $lost })
    $lacking = @($missing | Where-Object { $kept.Count -eq 0 -or -not $_['AnyOf'] })
    $texts = foreach ($need in $lacking) {
        $text = '{0} {1} {2}/{3}' -f $need['For'], $need['Address'], $need['Protocol'],
        $need['Port']
        $text -replace '  TCP/0$', ''
    }
    $texts | Select-Object -Unique
}

function Assert-Reachable {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Plan,

        # Rules of ours, then and now.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Setting,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [bool] $AllowLockOut
    )
    # Of a plan after which outbound traffic is blocked, whoever blocks it, or that has block rules
    # of its own.
    $isLocal = $Store -eq 'PersistentStore'
    $after = $Setting.Clone()
    $locks = @(
        foreach ($change in $Plan) {
            if ($change['Kind'] -eq 'Setting' -and $change['Name'] -like 'Outbound *') {
                $after[$change['Name']] = $change['Value']
                $change['Value'] | Where-Object { $_ -eq 'Block' }
            }
        }
    )
    if ($isLocal) {
        # That of Group Policy is in force, whatever the server's own is.
        foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
            $name = 'Outbound {0}' -f $item.Name
            if ("$($item.DefaultOutboundAction)" -eq 'Block' -and $Setting[$name] -ne 'Block') {
                $after[$name] = 'Block'
            }
        }
    }
    $names = @($Policy['Profile'] -replace '^Any$', 'Domain, Private, Public') -split ', '
    $blocked = @($names | Where-Object { $after["Outbound $_"] -eq 'Block' })
    $blocks = @(
        $Plan | Where-Object { $_['Kind'] -in @('NewRule', 'SetRule') } |
            Where-Object { $_['Rule']['Direction'] -eq 'Outbound' } |
            Where-Object { "$($_['Rule']['Action'])" -eq 'Block' }
    )
    if ($Plan.Count -eq 0 -or $blocked.Count + $blocks.Count -eq 0) {
        return
    }
    $isOpen = $blocked.Count -eq 0
    $server = 'this server'
    if (-not $isLocal) {
        $server = 'a server of this Group Policy object'
    }
    if (-not $isLocal -and $locks.Count -gt 0) {
        $text = 'Every computer that {0} is linked to will block outbound traffic.'
        Write-Warning -Message ($text -f $Store)
    }
    $parameters = @{ Policy = $Policy; Store = $Store; IsOpen = $isOpen }
    $lost = @(Get-LockOut -Wanted $Wanted @parameters)
    $range = $Policy['Address']
    $others = @(Get-OwnAddress | Where-Object { -not (Test-Within -Address $_ -Range $range) })
    if ($isLocal -and $locks.Count -gt 0 -and $others.Count -gt 0) {
        $lost += 'anything from {0}, for which the policy has no rules' -f ($others -join ', ')
    }
    if ($lost.Count -gt 0 -and $locks.Count -eq 0) {
        # It may be so already.
        $before = @(Get-LockOut -Wanted $Live @parameters)
        $lost = @($lost | Where-Object { $_ -notin $before })
    }
    if ($lost.Count -eq 0) {
        return
    }
    $why = @('outbound traffic blocked', 'the policy''s block rules')[[int] $isOpen]
    $text = 'With {0} {1} could not reach: {2}.' -f $why, $server, ($lost -join ', ')
    if (-not $AllowLockOut) {
        throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
    }
    Write-Warning -Message $text
}
# ---- the engine, guard of the ways in; the same in every script ---------------------------------
# Servers are administered over these ports. Whoever closes the last of them, or the one that the
# session of this run came through, should know before.

# Each with the program and the service behind it: a rule for another program lets nobody in there.
$waysIn = @(
    @{ Port = 22; Name = 'SSH'; Program = 'sshd.exe'; Service = '' }
    @{ Port = 3389; Name = 'Remote Desktop'; Program = 'svchost.exe'; Service = 'TermService' }
    @{ Port = 5985; Name = 'WinRM'; Program = 'System'; Service = '' }
    @{ Port = 5986; Name = 'WinRM over TLS'; Program = 'System'; Service = '' }
)

function Test-LetIn {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # Parameters that a rule lacks are as in Windows.
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Way,

        [Parameter(Mandatory = $true)]
        [string] $Action
    )
    # Whether the rule is of that kind, and for the port.
    if ("$($Rule['Direction'])" -eq 'Outbound' -or "$($Rule['Enabled'])" -eq 'False' -or
        ("$($Rule['Action'])" -replace '^$', 'Allow') -ne $Action -or
        (ConvertTo-ProtocolText -Value "$($Rule['Protocol'])") -notin @('', 'any', 'tcp') -or
        -not (Test-Port -Port $Way['Port'] -Range $Rule['LocalPort'])) {
        return $false
    }
    $program = @("$($Rule['Program'])" -split '\\')[-1]
    $Action -eq 'Block' -or ($program -in @('', 'Any', $Way['Program']) -and
        "$($Rule['Service'])" -in @('', 'Any', $Way['Service']) -and
        @($Rule.Keys -like 'Package*').Count -eq 0)
}

function Get-RemoteSpan {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # First and last addresses in hexadecimal. What a word stands for may be anything.
    foreach ($item in @($Rule['RemoteAddress'] -replace '^$', 'Any')) {
        $span = ConvertTo-AddressSpan -Address "$item"
        if ($span -match '^[0-9A-F]+-') {
            $span
        }
        elseif ($span -eq 'any' -or "$($Rule['Action'])" -ne 'Block') {
            ConvertTo-AddressSpan -Address '0.0.0.0/0'
            ConvertTo-AddressSpan -Address '::/0'
        }
    }
}

function Test-Inside {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Span,

        # In their order.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Among
    )
    # Whether every address of the span is in one of those.
    $first, $last = $Span -split '-'
    foreach ($item in $Among) {
        $ends = @($item -split '-')
        if ($ends[0].Length -ne $first.Length -or
            [string]::CompareOrdinal($ends[0], $first) -gt 0 -or
            [string]::CompareOrdinal($first, $ends[1]) -gt 0) {
            continue
        }
        if ([string]::CompareOrdinal($ends[1], $last) -ge 0) {
            return $true
        }
        # The address after it: after 0A0000FF comes 0A000100.
        $stays = $ends[1] -replace '.F*$', ''
        $digit = [int] ('0x{0}' -f $ends[1][$stays.Length]) + 1
        $first = '{0}{1:X}' -f $stays, $digit
        $first = $first.PadRight($last.Length, '0')
    }
    $false
}

function Test-Open {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [hashtable] $Way
    )
    # Whether some rule lets somebody in whom the block rules together do not keep out.
    $narrowing = @('Program', 'Service', 'RemotePort')
    $shut = @(
        foreach ($item in $Rule) {
            if (-not (Test-LetIn -Rule $item -Way $Way -Action 'Block')) {
                continue
            }
            $names = @($item.Keys | Where-Object { $_ -notin $understood -or $_ -in $narrowing })
            if (@($names | Where-Object { "$($item[$_])" -notin @('', 'Any') }).Count -eq 0) {
                Get-RemoteSpan -Rule $item
            }
        }
    )
    $shut = @($shut | Sort-Object)
    foreach ($item in @($Rule | Where-Object { Test-LetIn -Rule $_ -Way $Way -Action 'Allow' })) {
        foreach ($span in @(Get-RemoteSpan -Rule $item)) {
            if (-not (Test-Inside -Span $span -Among $shut)) {
                return $true
            }
        }
    }
    $false
}

function Assert-Manageable {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Plan,

        # Rules of Windows' own by name, as parameters.
        [Parameter(Mandatory = $true)]
        [hashtable] $Builtin,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [bool] $AllowLockOut
    )
    # What goes or changes, by name; what there will be in its place; and what is new in it.
    $going = @{}
    $coming = @()
    foreach ($change in $Plan) {
        $name = "$($change['Name'])"
        if ($change['Kind'] -in @('RemoveRule', 'SetRule')) {
            $going[$name] = $change['Former']
        }
        if ($change['Kind'] -in @('NewRule', 'SetRule')) {
            $coming += $change['Rule']
        }
        $name = $name -replace '^Built-in ', ''
        if ($change['Kind'] -eq 'Setting' -and $name -ne $change['Name'] -and
            $Builtin.ContainsKey($name)) {
            $rule = $Builtin[$name].Clone()
            $going[$name] = $Builtin[$name]
            $rule['Enabled'] = @('False', 'True')[$change['Value'] -eq 'True']
            $coming += $rule
        }
    }
    $closing = @()
    $blocking = @{}
    foreach ($way in $waysIn) {
        $blocks = @($coming | Where-Object { Test-LetIn -Rule $_ -Way $way -Action 'Block' })
        if ($blocks.Count -gt 0) {
            $blocking[$way['Port']] = $blocks
        }
        $allows = @(
            $going.Values | Where-Object { Test-LetIn -Rule $_ -Way $way -Action 'Allow' }
        )
        if ($allows.Count -gt 0) {
            $closing += $way['Port']
        }
    }
    if ($closing.Count + $blocking.Count -eq 0) {
        return
    }
    $isLocal = $Store -eq 'PersistentStore'
    $where = @($Store, 'ActiveStore')[$isLocal]
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store $where
    $before = @(
        foreach ($item in @(Get-NetFirewallRule -PolicyStore $where -ErrorAction Stop)) {
            $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
            if ("$($item.Direction)" -eq 'Inbound' -and "$($item.Enabled)" -eq 'True' -and
                $source -ne 'Hardcoded') {
                Get-LiveValue -Rule $item -Index $index -Field $fields
            }
        }
    )
    $after = @($before | Where-Object { -not $going.ContainsKey($_['Name']) }) + $coming
    $open = @{ Before = @(); After = @() }
    foreach ($way in $waysIn) {
        $port = $way['Port']
        $name = 'TCP {0} ({1})' -f $port, $way['Name']
        if (Test-Open -Rule $before -Way $way) {
            $open['Before'] += $name
        }
        if (Test-Open -Rule $after -Way $way) {
            $open['After'] += $name
        }
        elseif ($port -in $closing -and -not $blocking.ContainsKey($port)) {
            $text = '{0}: no rule lets anybody in after this run. Sessions that are open may go on.'
            Write-Warning -Message ($text -f $name)
        }
        if ($blocking.ContainsKey($port)) {
            $from = @($blocking[$port] | ForEach-Object { $_['RemoteAddress'] })
            $from = @($from | Where-Object { $_ } | Sort-Object -Unique)
            $text = '{0}: rules of this run block it from {1}. Sessions from there may be cut.'
            $some = (Format-Some -Value $from) -replace '^$', 'Any'
            Write-Warning -Message ($text -f $name, $some)
        }
    }
    # Of an object nobody knows which ways a server has beside it.
    if ($isLocal -and $open['Before'].Count -gt 0 -and $open['After'].Count -eq 0) {
        $text = 'Nobody could administer this server from elsewhere any more: this run shuts {0}.'
        $text = $text -f ($open['Before'] -join ', ')
        if (-not $AllowLockOut) {
            throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
        }
        Write-Warning -Message $text
    }
}
# ---- the engine, backups and the rest of a plan; the same in every script -----------------------

function Get-OwnAddress {
    [CmdletBinding()]
    [OutputType([string])]
    param ()
    # Of this server, without those that no router forwards: loopback, and what hosts give
    # themselves.
    foreach ($card in [System.Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces()) {
        foreach ($unicast in $card.GetIPProperties().UnicastAddresses) {
            $text = $unicast.Address.ToString() -replace '%.*$', ''
            if ($text -notmatch '^(127\.|169\.254\.|::1$|fe[89ab])') {
                $text
            }
        }
    }
}

function Assert-OwnServer {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        # Whether another server is an error, and whether rules are asked for.
        [Parameter(Mandatory = $true)]
        [bool] $Stops,

        [Parameter(Mandatory = $true)]
        [bool] $ForRules
    )
    $here = @(Get-OwnAddress)
    $others = @($here | Where-Object { -not (Test-Within -Address $_ -Range $Policy['Address']) })
    if ($others.Count -eq $here.Count) {
        $text = 'This machine has none of the addresses of server {0} ({1}).'
        $text = $text -f $Policy['Server'], ($Policy['Address'] -join ', ')
        if ($Stops) {
            throw ('{0} Nothing was changed; -Force does it all the same.' -f $text)
        }
        Write-Warning -Message $text
    }
    elseif ($ForRules -and $others.Count -gt 0) {
        $text = 'The rules are for the addresses of the policy, and not for others of this server: {0}'
        if ($Policy['Outbound'] -eq 'Block') {
            $text += '. Outbound traffic from these will be BLOCKED unless rules of others allow it.'
        }
        Write-Warning -Message ($text -f ($others -join ', '))
    }
}

function Get-KeywordFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [hashtable] $Live
    )
    if ($Wanted.Count -eq 0) {
        return
    }
    $command = 'New-NetFirewallDynamicKeywordAddress'
    if ($null -eq (Get-Command -Name $command -ErrorAction SilentlyContinue)) {
        $text = 'The rules use dynamic keywords, which need Windows Server 2022 (build 20348) or'
        throw ($text + ' Azure Stack HCI 21H2. Nothing was changed.')
    }
    $field = @{ Name = 'Addresses'; Kind = 'Address'; Default = '' }
    foreach ($item in $Wanted) {
        $keyword = $item.Clone()
        $lists = @{ Addresses = @() }
        if ($item.ContainsKey('Addresses')) {
            $lists['Addresses'] = @($item['Addresses'] -split ',')
            $keyword['Addresses'] = $lists['Addresses'] -join ','
        }
        $finding = [pscustomobject] @{
            Name = $item['Keyword']; Finding = 'Missing'; Detail = 'Dynamic keyword'
            Wanted = $keyword; Former = $null
        }
        $id = $item['Id'].Trim([char[]] '{}')
        if (-not $Live.ContainsKey($id)) {
            $finding
            continue
        }
        $finding.Former = $Live[$id]
        if ($item.ContainsKey('Addresses')) {
            $is = @{ Addresses = @("$($Live[$id]['Addresses'])" -split ',' | Where-Object { $_ }) }
            $texts = foreach ($list in @($is, $lists)) {
                ConvertTo-FieldText -Field $field -Value $list['Addresses']
            }
            if ($texts[0] -ne $texts[1]) {
                $finding.Finding = 'Changed: Addresses'
                $finding.Detail = Format-Difference -Field $field -Wanted $lists -Live $is
                $finding
            }
        }
    }
}

function Get-KeywordId {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        # Rules: objects of Windows or parameters.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule
    )
    # Of the dynamic keywords that the rules use, without braces.
    $name = 'RemoteDynamicKeywordAddresses'
    foreach ($item in $Rule) {
        $ids = @(Get-PropertyValue -InputObject $item -Name $name)
        if ($item -is [hashtable]) {
            $ids = @($item[$name])
        }
        foreach ($id in $ids) {
            if ("$id" -ne '') {
                "$id".Trim([char[]] '{}')
            }
        }
    }
}

function Get-UnusedKeyword {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Finding,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $EveryRule,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted
    )
    # A dynamic keyword goes when the last rule that used it has gone, whoever made that rule.
    $there = @($Finding | Where-Object { $null -ne $_.Former })
    $changed = @($there | ForEach-Object { $_.Name })
    $others = @($EveryRule | Where-Object { $_.Name -notin $changed })
    $used = @(Get-KeywordId -Rule ($others + $Wanted))
    Get-KeywordId -Rule @($there | ForEach-Object { $_.Former }) |
        Where-Object { $_ -notin $used } | Sort-Object -Unique
}

function Save-Backup {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [hashtable] $State,

        # Of exceptions in the table, by name.
        [Parameter(Mandatory = $true)]
        [hashtable] $LastDay,

        [Parameter(Mandatory = $true)]
        [string] $Path
    )
    # All that this script can change, as it is. Of dynamic keywords those that its rules use.
    $ids = @(Get-KeywordId -Rule @($State['Rule'].Values))
    $used = @{}
    foreach ($id in @($State['Keyword'].Keys)) {
        if ($id -in $ids) {
            $used[$id] = $State['Keyword'][$id]
        }
    }
    $content = [ordered] @{ Version = '1'; Server = $Policy['Server']; Group = $Policy['Group'] }
    $content['NamePrefix'] = $Policy['NamePrefix']
    $content['PolicyStore'] = $Store
    foreach ($name in @('Memory', 'Proxy', 'ProxyMemory', 'Rule', 'Setting')) {
        $content[$name] = $State[$name]
    }
    $content['Keyword'] = $used
    $days = @{}
    foreach ($name in @($State['Rule'].Keys)) {
        $day = Get-LastDay -Rule $State['Rule'][$name]
        if ($LastDay.ContainsKey($name)) {
            $day = $LastDay[$name]
        }
        if ($day -ne '') {
            $days[$name] = $day
        }
    }
    $content['Until'] = $days
    $text = ConvertTo-Json -InputObject $content -Depth 6
    [System.IO.File]::WriteAllText($Path, $text)
}

function ConvertTo-Table {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [object] $InputObject
    )
    # Objects of JSON as hashtables, lists of texts as they are.
    $table = @{}
    if ($null -ne $InputObject) {
        foreach ($property in $InputObject.PSObject.Properties) {
            $value = $property.Value
            if ($value -is [System.Management.Automation.PSCustomObject]) {
                $value = ConvertTo-Table -InputObject $value
            }
            $table[$property.Name] = $value
        }
    }
    $table
}

function Read-Backup {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [string] $Path
    )
    try {
        $text = [System.IO.File]::ReadAllText($Path)
        $backup = ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject $text)
    }
    catch {
        throw ('Nothing was changed: the backup {0} cannot be read. {1}' -f $Path, $_)
    }
    $right = @{ Version = '1'; PolicyStore = $Store; Server = $Policy['Server'] }
    $right['Group'] = $Policy['Group']
    $right['NamePrefix'] = $Policy['NamePrefix']
    foreach ($name in @($right.Keys | Sort-Object)) {
        if ("$($backup[$name])" -ne $right[$name]) {
            $fault = '{0} is ''{1}'' and not ''{2}''' -f $name, $backup[$name], $right[$name]
            throw ('Nothing was changed: this is no backup of these rules, its {0}.' -f $fault)
        }
    }
    foreach ($name in @('Rule', 'Keyword', 'Setting', 'Memory', 'Proxy', 'ProxyMemory')) {
        if ($backup[$name] -isnot [hashtable]) {
            throw ('Nothing was changed: the backup has no {0}.' -f $name)
        }
    }
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    foreach ($rule in $backup['Rule'].Values) {
        $isOwn = "$($rule['Name'])".StartsWith($Policy['NamePrefix'], $ignoreCase)
        if (-not $isOwn -or "$($rule['Group'])" -ne $Policy['Group']) {
            throw ('Nothing was changed: rule {0} of the backup is not ours.' -f $rule['Name'])
        }
    }
    foreach ($name in @(@($backup['Setting'].Keys) + @($backup['Memory'].Keys) | Sort-Object)) {
        $values = '^$'
        switch -Regex ($name) {
            '^Outbound (Domain|Private|Public)$' { $values = '^(NotConfigured|Allow|Block)$' }
            '^Built-in .' { $values = '^(True|False|Absent)$' }
        }
        $both = @($backup['Setting'][$name], $backup['Memory'][$name] | Where-Object { $null -ne $_ })
        if (@($both | Where-Object { "$_" -notmatch $values }).Count -gt 0) {
            throw ('Nothing was changed: {0} of the backup is no setting of ours.' -f $name)
        }
    }
    # Exceptions end, whatever the policy says by now.
    if ($backup['Until'] -isnot [hashtable]) {
        $backup['Until'] = @{}
    }
    foreach ($rule in $backup['Rule'].Values) {
        if (-not $backup['Until'].ContainsKey($rule['Name'])) {
            $backup['Until'][$rule['Name']] = Get-LastDay -Rule $rule
        }
    }
    $backup
}
# ---- the engine, proxy settings: reading and writing them; the same in every script -------------
# Windows keeps four of them. WinINet is what the source document sets; WinHTTP is what services
# ask, the environment what agents and command lines ask, and the Azure Arc agent has its own.

$internetSettings = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$internetPolicy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'
# The services of the agent that policies say something about. Others are the administrator's.
$arcServices = @('AAD', 'ARM', 'Arc')

function Get-RegistryValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    if (Test-Path -LiteralPath $Key) {
        $item = Get-ItemProperty -LiteralPath $Key -ErrorAction Stop
        Get-PropertyValue -InputObject $item -Name $Name
    }
}

function ConvertFrom-ConnectionSetting {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Setting
    )
    # WinINet and WinHTTP write the same form: version, counter and flags of four bytes each, then
    # texts with their length before them. Flags: 2 a proxy, 4 a script, 8 detection.
    $state = @{ Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
    $bytes = [byte[]] @($Setting | Where-Object { $null -ne $_ })
    if ($bytes.Length -lt 12) {
        return $state
    }
    $flags = [System.BitConverter]::ToInt32($bytes, 8)
    $texts = @('', '', '')
    $at = 12
    for ($i = 0; $i -lt 3 -and $at + 4 -le $bytes.Length; $i++) {
        $length = [System.BitConverter]::ToInt32($bytes, $at)
        if ($length -lt 0 -or $length -gt $bytes.Length - $at - 4) {
            break
        }
        $texts[$i] = [System.Text.Encoding]::ASCII.GetString($bytes, $at + 4, $length)
        $at += 4 + $length
    }
    if (($flags -band 2) -ne 0) {
        $state['Server'] = $texts[0]
        $state['Bypass'] = $texts[1]
    }
    if (($flags -band 4) -ne 0) {
        $state['Script'] = $texts[2]
    }
    $state['Detect'] = "$(($flags -band 8) -ne 0)"
    $state
}

function Invoke-ProxyTool {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name,

        [Parameter(Mandatory = $true)]
        [string[]] $Argument
    )
    # Every argument stays one argument: no shell stands between. Without a console what a tool says
    # beside its output becomes an error, which is none: its exit code alone counts.
    $ErrorActionPreference = 'Continue'
    $output = & $Name @Argument
    if ($LASTEXITCODE -ne 0) {
        throw ('{0} {1} failed with code {2}.' -f $Name, ($Argument -join ' '), $LASTEXITCODE)
    }
    "$output"
}

function Get-ArcAgent {
    [CmdletBinding()]
    [OutputType([string])]
    param ()
    # What starts the agent; '' if there is none. A session that is older than the agent does not
    # have its folder in PATH.
    if ($null -ne (Get-Command -Name 'azcmagent.exe' -ErrorAction SilentlyContinue)) {
        return 'azcmagent.exe'
    }
    if ("$env:ProgramW6432" -ne '') {
        $folder = [System.IO.Path]::Combine($env:ProgramW6432, 'AzureConnectedMachineAgent')
        $path = [System.IO.Path]::Combine($folder, 'azcmagent.exe')
        if ([System.IO.File]::Exists($path)) {
            return $path
        }
    }
    ''
}

function Select-ArcService {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        # 'AAD,ARM', '[AAD ARM]' or '["AAD","ARM"]'.
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyString()]
        [string] $Text,

        # Those that policies say nothing about, in place of those that they do.
        [Parameter()]
        [switch] $IsOther
    )
    $words = @($Text -split '[^A-Za-z0-9_.-]+' | Where-Object { $_ -ne '' })
    $words = @($words | Where-Object { ($_ -in $arcServices) -ne [bool] $IsOther })
    @($words | Sort-Object -Unique) -join ','
}

function Get-ArcState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    $agent = Get-ArcAgent
    if ($agent -eq '') {
        return
    }
    $get = @('config', 'get')
    $url = Invoke-ProxyTool -Name $agent -Argument ($get + 'proxy.url')
    $state = @{ Server = $url.Trim([char[]] ' []"') }
    try {
        $text = Invoke-ProxyTool -Name $agent -Argument ($get + 'proxy.bypass')
        $state['Bypass'] = Select-ArcService -Text $text
        $state['Others'] = Select-ArcService -Text $text -IsOther
    }
    catch {
        # Agents before 1.15 do not know it, and nobody sets it there.
        $text = Invoke-ProxyTool -Name $agent -Argument @('version')
        $version = ($text -replace '^\D*([0-9]+\.[0-9]+).*$', '$1') -as [version]
        if ($null -eq $version -or $version -ge [version] '1.15') {
            throw
        }
        $state.Remove('Bypass')
    }
    $state
}

function Get-ProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    # Nothing for a part that this server does not have.
    switch ($Layer) {
        'WinINet' {
            if ("$(Get-RegistryValue -Key $internetPolicy -Name 'ProxySettingsPerUser')" -ne '0') {
                return @{ Scope = 'User'; Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
            }
            $value = Get-RegistryValue -Key $internetSettings -Name 'DefaultConnectionSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            $state['Scope'] = 'Machine'
            return $state
        }
        'WinHTTP' {
            $value = Get-RegistryValue -Key $internetSettings -Name 'WinHttpSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            if ($state['Script'] -ne '' -or $state['Detect'] -eq 'True') {
                $text = 'WinHTTP has a script or automatic detection: a proxy that is set takes'
                Write-Warning -Message ($text + ' their place, and Remove does not bring them back.')
            }
            return @{ Server = $state['Server']; Bypass = $state['Bypass'] }
        }
        'Environment' {
            $state = @{}
            foreach ($name in @('HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY')) {
                $state[$name] = "$([System.Environment]::GetEnvironmentVariable($name, 'Machine'))"
            }
            return $state
        }
        'Azure Arc agent' {
            return (Get-ArcState)
        }
    }
}

function Get-WantedProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    if ($Proxy['Settings'] -ne 'Set') {
        return @{}
    }
    $url = 'http://{0}' -f $Proxy['Server']
    $list = $Proxy['WindowsBypass'] -join ';'
    @{
        'WinINet'         = @{
            Scope  = 'Machine'
            Server = $Proxy['Server']
            Bypass = $list
            Script = ''
            Detect = 'False'
        }
        'WinHTTP'         = @{ Server = $Proxy['Server']; Bypass = $list }
        'Environment'     = @{
            HTTP_PROXY  = $url
            HTTPS_PROXY = $url
            NO_PROXY    = $Proxy['EnvironmentBypass'] -join ','
        }
        'Azure Arc agent' = @{ Server = $url; Bypass = $Proxy['ArcBypass'] -join ',' }
    }
}

function Write-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    switch ($Layer) {
        'WinINet' {
            # Without arguments it goes back to settings of each user's own.
            $parameters = @{}
            if ($State['Scope'] -eq 'Machine') {
                $parameters['ProxySettingsPerUser'] = 0
                if ($State['Server'] -ne '') {
                    $parameters['ProxyServer'] = $State['Server']
                }
                if ($State['Bypass'] -ne '') {
                    $parameters['ProxyBypass'] = $State['Bypass']
                }
                if ($State['Script'] -ne '') {
                    $parameters['AutoConfigURL'] = $State['Script']
                }
                if ($State['Detect'] -eq 'True') {
                    $text = 'WinINet: automatic detection was on and stays off now.'
                    Write-Warning -Message $text -WarningAction Continue
                }
            }
            Set-WinInetProxy @parameters -ErrorAction Stop | Out-Null
        }
        'WinHTTP' {
            $arguments = @('winhttp', 'reset', 'proxy')
            if ($State['Server'] -ne '') {
                $arguments = @('winhttp', 'set', 'proxy', "proxy-server=$($State['Server'])")
                if ($State['Bypass'] -ne '') {
                    $arguments += "bypass-list=$($State['Bypass'])"
                }
            }
            Invoke-ProxyTool -Name 'netsh.exe' -Argument $arguments | Out-Null
        }
        'Environment' {
            foreach ($name in @($State.Keys | Sort-Object)) {
                $value = $State[$name]
                if ("$value" -eq '') {
                    # Newer versions of .NET keep a variable that is empty.
                    $value = [NullString]::Value
                }
                [System.Environment]::SetEnvironmentVariable($name, $value, 'Machine')
            }
            $text = 'Services that run keep the former proxy variables until they are restarted'
            $text += ' (of the Azure Arc agent himds, ExtensionService and GCArcService).'
            Write-Warning -Message $text -WarningAction Continue
        }
        'Azure Arc agent' {
            # What is right already is not asked for, nor what the agent does not know.
            $agent = Get-ArcAgent
            $current = Get-ArcState
            foreach ($pair in @(@('proxy.url', 'Server'), @('proxy.bypass', 'Bypass'))) {
                $key = $pair[1]
                $value = "$($State[$key])"
                if ($key -eq 'Bypass') {
                    $value = Select-ArcService -Text $value
                }
                $isKnown = $current.ContainsKey($key) -and $State.ContainsKey($key)
                if (-not $isKnown -or $value -eq $current[$key]) {
                    continue
                }
                if ($key -eq 'Bypass') {
                    $services = @($value, $current['Others'] | Where-Object { $_ -ne '' })
                    $value = $services -join ','
                }
                $arguments = @('config', 'set', $pair[0], $value)
                if ($value -eq '') {
                    $arguments = @('config', 'clear', $pair[0])
                }
                Invoke-ProxyTool -Name $agent -Argument $arguments | Out-Null
            }
        }
    }
}
# ---- the engine, proxy: what is different, and what to do about it; the same in every script ----
# What was there before the first Apply is kept in the registry, in a key for each owner
# (memory.ps1): proxies of scripts for other clusters and groups are not taken back.

$proxyLayers = @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')

function ConvertFrom-ProxyMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Text,

        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    try {
        ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject $Text)
    }
    catch {
        $fault = 'Nothing was changed: what the proxy of {0} was before cannot be read (value {1} of'
        $fault += ' {2}). Set that proxy by hand, delete the value and run this again. {3}'
        throw ($fault -f $Layer, $Layer, $proxyKey, $_)
    }
}

function Read-ProxyLayer {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        # Whether it is an error if the Azure Arc agent does not say it.
        [Parameter(Mandatory = $true)]
        [bool] $Stops
    )
    # Whether it could be read, and what it is: nothing of a part that this server does not have.
    $read = @{ Known = $true; State = $null }
    try {
        $read['State'] = Get-ProxyState -Layer $Layer
    }
    catch {
        if ($Layer -ne 'Azure Arc agent') {
            throw
        }
        $text = 'The proxy of the Azure Arc agent could not be read: {0}' -f $_
        if ($Stops) {
            throw ('Nothing was changed. {0}' -f $text)
        }
        Write-Warning -Message ('{0} It stays as it is.' -f $text)
        $read['Known'] = $false
    }
    $read
}

function Get-ProxyFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy,

        # What this script and the others remember.
        [Parameter(Mandatory = $true)]
        [hashtable] $Memory,

        [Parameter(Mandatory = $true)]
        [hashtable] $OtherMemory,

        [Parameter(Mandatory = $true)]
        [bool] $Stops
    )
    # State is what the part should be set to; Former what it is now.
    $wanted = Get-WantedProxyState -Proxy $Proxy
    foreach ($layer in $proxyLayers) {
        $name = 'Proxy of {0}' -f $layer
        if (-not $wanted.ContainsKey($layer) -and -not $Memory.ContainsKey($layer)) {
            continue
        }
        $read = Read-ProxyLayer -Layer $layer -Stops $Stops
        $live = $read['State']
        if ($read['Known'] -and $null -eq $live -and $Memory.ContainsKey($layer)) {
            $text = '{0}: it was set once, and is not found any more (an agent that was removed?).'
            Write-Warning -Message ($text -f $name)
        }
        # Of a part that is gone there is only the memory, which goes, too.
        if (-not $read['Known'] -or ($null -eq $live -and $wanted.ContainsKey($layer))) {
            continue
        }
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Stale'; Detail = ''; Layer = $layer; State = $null
            Former = $live; Memory = $Memory[$layer]; Before = $OtherMemory[$layer]
        }
        if (-not $wanted.ContainsKey($layer)) {
            $finding.State = ConvertFrom-ProxyMemory -Text $Memory[$layer] -Layer $layer
            if ($OtherMemory.ContainsKey($layer)) {
                $finding.Detail = 'Stays: the script of another cluster or group has set it, too'
            }
        }
        else {
            $state = $wanted[$layer]
            $different = @(
                foreach ($key in @($state.Keys | Sort-Object)) {
                    # Lists may come back in another order.
                    $right = ConvertTo-ListText -Value @($state[$key] -split '[;,\s]+')
                    $is = ConvertTo-ListText -Value @("$($live[$key])" -split '[;,\s]+')
                    if ($live.ContainsKey($key) -and $right -ne $is) {
                        $key
                    }
                }
            )
            # Whoever has set it alike may put back another: what was there before is remembered.
            if ($different.Count -eq 0 -and
                ($Memory.ContainsKey($layer) -or -not $OtherMemory.ContainsKey($layer))) {
                continue
            }
            $finding.State = $state
            $finding.Finding = 'Changed: {0}' -f ($different -join ', ')
            if (-not $Memory.ContainsKey($layer)) {
                $finding.Finding = 'Missing'
            }
        }
        $finding
    }
}

function Get-ProxyChange {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Finding
    )
    foreach ($item in $Finding) {
        $memory = @{
            Kind = 'Memory'; Name = $item.Layer; Key = $proxyKey; Value = $null
            Former = $item.Memory
        }
        $setting = @{
            Kind = 'Proxy'; Name = $item.Name; Layer = $item.Layer; State = $item.State
            Former = $item.Former; Text = 'Set proxy'; Finding = 'Set'
        }
        foreach ($change in @($memory, $setting)) {
            $change['Subject'] = $item.Name
        }
        if ($item.Finding -eq 'Stale') {
            $setting['Text'] = 'Restore what was there before'
            $setting['Finding'] = 'Restored'
            $memory['Text'] = $setting['Text']
            if ($null -ne $item.Former -and $null -eq $item.Before) {
                $setting
            }
            else {
                $memory['Finding'] = 'Forgotten'
            }
            $memory
            continue
        }
        $memory['Text'] = $setting['Text']
        if ($null -eq $memory['Former']) {
            $memory['Value'] = $item.Before
            if ($null -eq $item.Before) {
                $memory['Value'] = ConvertTo-Json -InputObject $item.Former -Compress
            }
            $memory
        }
        $setting
    }
}

function Add-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    foreach ($layer in $proxyLayers) {
        $read = Read-ProxyLayer -Layer $layer -Stops $false
        if ($null -ne $read['State']) {
            $State['Proxy'][$layer] = $read['State']
        }
    }
}

function Get-ProxyRestore {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $State,

        [Parameter(Mandatory = $true)]
        [hashtable] $Backup,

        [Parameter(Mandatory = $true)]
        [hashtable] $OtherMemory
    )
    foreach ($layer in @($State['Proxy'].Keys | Sort-Object)) {
        if (-not $Backup['Proxy'].ContainsKey($layer)) {
            continue
        }
        $name = 'Proxy of {0}' -f $layer
        $wanted = $Backup['Proxy'][$layer]
        $live = $State['Proxy'][$layer]
        $different = @(
            $wanted.Keys | Where-Object { "$($wanted[$_])" -ne "$($live[$_])" -and $_ -ne 'Others' }
        )
        $isOther = $OtherMemory.ContainsKey($layer)
        if ($isOther -and $different.Count -gt 0 -and
            -not $Backup['ProxyMemory'].ContainsKey($layer)) {
            $text = '{0} stays as it is: the script of another cluster or group has set it.'
            Write-Warning -Message ($text -f $name)
        }
        elseif ($different.Count -gt 0) {
            @{
                Kind = 'Proxy'; Name = $name; Layer = $layer; State = $wanted; Former = $live
                Text = 'Restore proxy'; Finding = 'Restored'; Subject = $name
            }
        }
        $memory = @{ Kind = 'Memory'; Name = $layer; Key = $proxyKey; Subject = $name }
        $memory['Text'] = 'Restore proxy'
        $memory['Value'] = $Backup['ProxyMemory'][$layer]
        $memory['Former'] = $State['ProxyMemory'][$layer]
        if ("$($memory['Value'])" -ne "$($memory['Former'])") {
            $memory
        }
    }
}
# ---- the engine, the run: what is there and what should be; the same in every script ------------

# Of this run, so that no other begins before it ends; also when it fails.
$mutex = $null
trap {
    Exit-Run -Mutex $mutex
    break
}
# Below HKLM:\SOFTWARE and %ProgramFiles% a 32-bit process sees other things.
if ([System.Environment]::Is64BitOperatingSystem -and -not [System.Environment]::Is64BitProcess) {
    throw 'This is a 32-bit PowerShell. Nothing was done: run the script in the 64-bit one.'
}
$isLocal = $PolicyStore -eq 'PersistentStore'
$store = @{ Name = $PolicyStore; Session = '' }
$store['MemoryRule'] = @{
    Name = Get-MemoryRuleName -Policy $policy; Group = $policy['Group']; Enabled = 'False'
    DisplayName = $memoryTitle; Direction = 'Inbound'; Action = 'Allow'
    Protocol = 'TCP'; LocalAddress = '192.0.2.1'; RemoteAddress = '192.0.2.1'
}
$changes = $Mode -in @('Apply', 'Remove', 'Restore')
$owner = Get-MemoryOwner -Policy $policy
$memoryKey = '{0}\Firewall\{1}' -f $memoryRoot, $owner
$proxyKey = '{0}\Proxy\{1}' -f $memoryRoot, $owner
$namesProfiles = @($policy['Profile'] -replace '^Any$', 'Domain, Private, Public') -split ', '

$wantsRules = $Mode -in @('Verify', 'Apply')
if ($isLocal) {
    $stops = $changes -and -not $Force
    Assert-OwnServer -Policy $policy -Stops $stops -ForRules $wantsRules
}
if ($Mode -eq 'Apply' -and -not $isLocal -and $keywords.Count -gt 0) {
    $text = 'Nothing was changed: the rules use dynamic keywords, which no Group Policy can hold.'
    throw ($text + ' Compile with service_tags = "addresses" and names = "service-tags" or "report".')
}
if ($Mode -in @('Backup', 'Restore') -and $BackupPath -eq '') {
    throw ('-Mode {0} needs -BackupPath.' -f $Mode)
}
$backupFile = ''
if ($BackupPath -ne '' -and $Mode -ne 'Verify') {
    $backupFile = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($BackupPath)
    if ($Mode -ne 'Restore' -and [System.IO.File]::Exists($backupFile)) {
        $text = 'Nothing was changed: {0} is there already and is not overwritten. It may be of a run'
        $text += ' that failed, from before it: keep it, and name another file.'
        throw ($text -f $backupFile)
    }
}
# What one run reads another must not change meanwhile.
if ($changes -or $Mode -eq 'Backup') {
    $mutex = Enter-Run
}

$backup = @{ Setting = @{} }
if ($Mode -eq 'Restore') {
    $backup = Read-Backup -Policy $policy -Store $PolicyStore -Path $backupFile
}

# ---- what is there ----

$everyRule = @(Get-NetFirewallRule -PolicyStore $PolicyStore -ErrorAction Stop)
$own = Get-OwnRule -Policy $policy -Rule $everyRule
if ($isLocal) {
    $memory = Get-RegistryTable -Key $memoryKey
    $otherMemory = Get-OtherMemory -Root ('{0}\Firewall' -f $memoryRoot) -Owner $owner
}
else {
    $parameters = @{ Rule = $everyRule; Name = $store['MemoryRule']['Name'] }
    $memory = Read-StoreMemory @parameters
    $otherMemory = Read-StoreMemory @parameters -IsOther
    $store['Memory'] = $memory.Clone()
}
$names = @($builtin | ForEach-Object { 'Built-in {0}' -f $_['Name'] })
$names = @(@($names) + @($memory.Keys) -like 'Built-in *')
if ($Mode -eq 'Restore') {
    # A backup says what a rule was, and not which rules of Windows' own are the policy's to set.
    $names = @(@($names) + @($backup['Memory'].Keys) -like 'Built-in *')
    foreach ($name in @(@($backup['Setting'].Keys) -like 'Built-in *' | Sort-Object)) {
        if ($name -notin $names) {
            $text = '{0} of the backup is left out: the policy does not set it, and has not set it.'
            Write-Warning -Message ($text -f $name)
            $backup['Setting'].Remove($name)
        }
    }
}
$builtinRules = @($everyRule | Where-Object { "Built-in $($_.Name)" -in $names })
$settings = Read-Setting -Store $PolicyStore -Rule $builtinRules
$index = @{}
if ($own.Count + $builtinRules.Count -gt 0) {
    $index = Get-FilterIndex -Store $PolicyStore
}
$fields = @(Get-RuleField)
$builtinValues = @{}
foreach ($item in $builtinRules) {
    $builtinValues[$item.Name] = Get-LiveValue -Rule $item -Index $index -Field $fields
}
$absent = @($names | Where-Object { -not $isLocal -and -not $settings.ContainsKey($_) })
if ($absent.Count -gt 0 -and $Mode -ne 'Remove') {
    # A rule of Windows' own that the object does not have is copied from this machine.
    $absent | ForEach-Object { $settings[$_] = 'Absent' }
    $here = Get-FilterIndex -Store 'PersistentStore'
    foreach ($item in @(Get-NetFirewallRule -PolicyStore PersistentStore -ErrorAction Stop)) {
        if ("Built-in $($item.Name)" -in $absent) {
            $builtinValues[$item.Name] = Get-LiveValue -Rule $item -Index $here -Field $fields
        }
    }
}
$store['Template'] = $builtinValues
$live = @{}
foreach ($name in @($own.Keys)) {
    $live[$name] = Get-LiveValue -Rule $own[$name] -Index $index -Field $fields
}
# Names and group are those of every server of the cluster; addresses are one server's own.
$others = @($live.Values | ForEach-Object { $_['LocalAddress'] })
$others = @($others | Where-Object { "$_" -notin @('', 'Any') } | Sort-Object -Unique)
$others = @($others | Where-Object { -not (Test-Within -Address $_ -Range $policy['Address']) })
if (-not $isLocal -and $others.Count -gt 0) {
    $text = 'The object has the rules of another server, or of this one before it got new addresses:'
    $text = '{0} they are for {1}.' -f $text, (Format-Some -Value $others)
    if ($changes -and -not $Force) {
        throw ('{0} Nothing was changed; -Force does it all the same.' -f $text)
    }
    Write-Warning -Message $text
}
$liveKeywords = @{}
if ($isLocal) {
    $liveKeywords = Get-DynamicKeyword
}

$state = @{
    Rule = $live; Keyword = $liveKeywords; Setting = $settings; Memory = $memory; Proxy = @{}
    ProxyMemory = @{}
}
$otherProxies = @{}
if ($isLocal) {
    $state['ProxyMemory'] = Get-RegistryTable -Key $proxyKey
    $otherProxies = Get-OtherMemory -Root ('{0}\Proxy' -f $memoryRoot) -Owner $owner
}
# Whoever has it ignored now has what an earlier version set taken back by Remove.
$ignoresProxy = $proxy['Settings'] -eq 'Ignored'
$setsProxy = $isLocal -and (-not $ignoresProxy -or $Mode -in @('Remove', 'Restore'))
if ($setsProxy -and ($backupFile -ne '' -or $Mode -eq 'Restore')) {
    Add-ProxyState -State $state
}

# ---- what should be there ----

$wanted = @()
$wantedKeywords = @()
$wantedSettings = @{}
$remembered = @{}
$lastDays = @{}
$rules | ForEach-Object { $lastDays[$_['Name']] = Get-LastDay -Rule $_ }
if ($Mode -eq 'Restore') {
    @($backup['Until'].Keys) | ForEach-Object { $lastDays[$_] = $backup['Until'][$_] }
}
$ended = @{}
foreach ($name in @($lastDays.Keys | Where-Object { Test-Ended -Day $lastDays[$_] })) {
    $ended[$name] = $lastDays[$name]
}
if ($wantsRules) {
    $wanted = @(Get-WantedRule -Policy $policy -Rule $rules)
    $wantedKeywords = $keywords
    if ($policy['Outbound'] -eq 'Block') {
        $namesProfiles | ForEach-Object { $wantedSettings["Outbound $_"] = 'Block' }
    }
    $builtin | ForEach-Object { $wantedSettings["Built-in $($_['Name'])"] = 'True' }
    foreach ($name in @($wantedSettings.Keys)) {
        $remembered[$name] = $settings[$name]
        foreach ($table in @($otherMemory, $memory)) {
            if ($table.ContainsKey($name)) {
                $remembered[$name] = $table[$name]
            }
        }
    }
}
elseif ($Mode -eq 'Restore') {
    $wanted = @($backup['Rule'].Values)
    $wantedKeywords = @($backup['Keyword'].Values)
    $wantedSettings = $backup['Setting']
    $remembered = $backup['Memory']
}
$wanted = @($wanted | Where-Object { -not $ended.ContainsKey($_['Name']) })
# What Apply changed once and the policy does not ask for any more. What others have set as well
# stays as it is, and what means the same to a server's own profiles.
$stale = @{}
$shared = @{}
foreach ($name in @($memory.Keys)) {
    if (-not $wantedSettings.ContainsKey($name)) {
        $stale[$name] = $memory[$name]
    }
}
$opens = @('NotConfigured', 'Allow')
foreach ($table in @($stale, $wantedSettings)) {
    foreach ($name in @($table.Keys)) {
        if ($isLocal -and $table[$name] -in $opens -and $settings[$name] -in $opens) {
            $table[$name] = $settings[$name]
        }
    }
    foreach ($name in @($table.Keys | Where-Object { $otherMemory.ContainsKey($_) })) {
        # All of them want the same.
        if ($table -eq $stale -or $table[$name] -notin @('Block', 'True')) {
            $shared[$name] = $true
            $table[$name] = $settings[$name]
        }
    }
}

# ---- what is different ----

$settingFindings = @()
$proxyFindings = @()
$findings = @(Get-Finding -Wanted $wanted -Live $live)
$keywordFindings = @(Get-KeywordFinding -Wanted $wantedKeywords -Live $liveKeywords)
if ($wantsRules) {
    $parameters = @{ Policy = $policy; Builtin = $builtin; Live = $builtinValues }
    $settingFindings = @(Get-BuiltinFinding @parameters -Setting $settings)
}
foreach ($name in @(@($wantedSettings.Keys) -like 'Outbound *' | Sort-Object)) {
    if ($settings[$name] -ne $wantedSettings[$name]) {
        $detail = 'Default action is {0}, should be {1}' -f $settings[$name],
        $wantedSettings[$name]
        $settingFindings += [pscustomobject] @{
            Name = $name; Finding = 'Changed: DefaultOutboundAction'; Detail = $detail
        }
    }
}
foreach ($name in @($stale.Keys | Sort-Object)) {
    $detail = 'Set by an earlier version of the policy; was {0}' -f $memory[$name]
    $settingFindings += [pscustomobject] @{ Name = $name; Finding = 'Stale'; Detail = $detail }
}
if ($setsProxy -and $Mode -ne 'Restore') {
    $wantedProxy = $proxy
    if ($Mode -eq 'Remove') {
        $wantedProxy = @{ Settings = 'None' }
    }
    $parameters = @{ Memory = $state['ProxyMemory']; OtherMemory = $otherProxies }
    $proxyFindings = @(
        Get-ProxyFinding -Proxy $wantedProxy -Stops ($Mode -eq 'Apply') @parameters
    )
}
$kept = @(
    $shared.Keys
    $proxyFindings | Where-Object { $_.Finding -eq 'Stale' -and $null -ne $_.Before } |
        ForEach-Object { $_.Name }
)
$kept = @($kept | Sort-Object)
if ($kept.Count -gt 0) {
    $text = 'These stay as they are: the script of another cluster or group has set them, too: {0}'
    Write-Warning -Message ($text -f ($kept -join ', '))
}

$likeOurs = @(Get-OtherGroup -Policy $policy -Rule $everyRule)
if ($likeOurs.Count -gt 0 -and $Mode -in @('Verify', 'Apply', 'Remove')) {
    $text = 'There are rules of this cluster in another group: {0}. Windows cannot give them this'
    $text += ' one: remove them with the script that made them (-Mode Remove), then run Apply.'
    $text = $text -f (Format-Some -Value $likeOurs)
    if ($Mode -eq 'Apply' -and -not $Force) {
        throw ('Nothing was changed. {0} -Force makes the rules beside them.' -f $text)
    }
    Write-Warning -Message $text
}

$tableNames = @($rules | ForEach-Object { $_['Name'] })
if ($Mode -in @('Apply', 'Restore')) {
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $text = '{0} is left out: its exception ended on {1}.' -f $name, $ended[$name]
        if ($name -in $tableNames) {
            $text += ' Build the policy anew.'
        }
        Write-Warning -Message $text
    }
}

if ($Mode -eq 'Verify') {
    $findings = @($findings | Where-Object { -not $ended.ContainsKey($_.Name) })
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $detail = 'The exception ended on {0}; build the policy anew, deny rules have a gap for it'
        $findings += [pscustomobject] @{
            Name = $name; Finding = 'Expired'; Detail = $detail -f $ended[$name]
        }
    }
    $all = @($keywordFindings) + $findings + $settingFindings + $proxyFindings
    if ($isLocal -and $ignoresProxy -and $state['ProxyMemory'].Count -gt 0) {
        $text = 'An earlier version of the policy set the proxy; Remove puts back what was there.'
        Write-Warning -Message $text
    }
    $enforced = @()
    if ($isLocal) {
        $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
        $enforced = @(Get-EnforcementFinding @parameters)
    }
    $others = @(
        $everyRule | Where-Object { $_.Group -eq $policy['Group'] } |
            Where-Object { $_.Name -notin (@($own.Keys) + $store['MemoryRule']['Name']) } |
            ForEach-Object { $_.Name }
    )
    if ($others.Count -gt 0) {
        $text = 'Rules in the group that the policy did not make, and Apply leaves alone: {0}'
        Write-Warning -Message ($text -f ($others -join ', '))
    }
    $all + $enforced | Select-Object -Property 'Name', 'Finding', 'Detail'
    if ("$($MyInvocation.MyCommand.CommandType)" -eq 'ExternalScript') {
        if ($all.Count -gt 0) {
            exit 2
        }
        if ($enforced.Count -gt 0) {
            exit 3
        }
        exit 0
    }
    return
}
# ---- the engine, the run: what is to be done, and doing it; the same in every script ------------

# ---- what to do, in this order: nothing goes before what takes its place is there ----

$plan = @(
    foreach ($item in $keywordFindings) {
        $kind = @('SetKeyword', 'NewKeyword')[$item.Finding -eq 'Missing']
        @{
            Kind = $kind; Name = $item.Name; Keyword = $item.Wanted; Former = $item.Former
            Text = 'Set dynamic keyword: {0}' -f $item.Detail
            Finding = @('Updated', 'Created')[$kind -eq 'NewKeyword']
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Missing' })) {
        @{
            Kind = 'NewRule'; Name = $item.Name; Rule = $item.Wanted
            Text = 'Create firewall rule: {0}' -f $item.Detail; Finding = 'Created'
        }
    }
    foreach ($item in @($findings | Where-Object { $_.Finding -notin @('Missing', 'Stale') })) {
        # The addresses of a service tag change under the rule's name; the rest was edited by hand.
        $done = 'Restored'
        if ("$($item.Field)" -eq 'RemoteAddress') {
            $done = 'Updated'
        }
        elseif ($item.Finding -eq 'Disabled') {
            $done = 'Enabled'
        }
        @{
            Kind = 'SetRule'; Name = $item.Name; Rule = $item.Wanted; Former = $item.Former
            Field = $item.Field; Text = 'Set firewall rule: {0} {1}' -f $item.Finding, $item.Detail
            Finding = $done
        }
    }
    $common = @{ Key = $memoryKey; Live = $settings; Memory = $memory }
    foreach ($kind in @('Built-in *', 'Proxy', 'Outbound *')) {
        # Now that the way to the proxy is open, and before the former direct ways close.
        if ($kind -eq 'Proxy') {
            Get-ProxyChange -Finding @($proxyFindings | Where-Object { $_.Finding -ne 'Stale' })
            if ($Mode -eq 'Restore' -and $setsProxy) {
                Get-ProxyRestore -State $state -Backup $backup -OtherMemory $otherProxies
            }
            continue
        }
        $part = @{}
        foreach ($name in @($wantedSettings.Keys | Where-Object { $_ -like $kind })) {
            $part[$name] = $wantedSettings[$name]
        }
        Get-SettingChange -Wanted $part -Remembered $remembered @common
    }
    Get-ProxyChange -Finding @($proxyFindings | Where-Object { $_.Finding -eq 'Stale' })
    Get-SettingChange -Wanted $stale -Remembered @{} @common
    foreach ($item in @($findings | Where-Object { $_.Finding -eq 'Stale' })) {
        @{
            Kind = 'RemoveRule'; Name = $item.Name; Former = $item.Former
            Text = 'Remove firewall rule'; Finding = 'Removed'
        }
    }
    $parameters = @{ Finding = $findings; EveryRule = $everyRule; Wanted = $wanted }
    foreach ($id in @(Get-UnusedKeyword @parameters)) {
        if ($liveKeywords.ContainsKey($id)) {
            $keyword = $liveKeywords[$id]
            @{
                Kind = 'RemoveKeyword'; Name = $keyword['Keyword']; Keyword = $keyword
                Text = 'Remove dynamic keyword'; Finding = 'Removed'
            }
        }
    }
)

if ($Mode -eq 'Backup') {
    $plan = @()
}

# ---- may it be done ----

if ($Mode -eq 'Apply') {
    $faults = @($settingFindings | Where-Object { $_.Finding -in @('Missing', 'Unsuitable') })
    if ($faults.Count -gt 0) {
        $texts = @($faults | ForEach-Object { '{0}: {1} {2}' -f $_.Name, $_.Finding, $_.Detail })
        $text = 'Nothing was changed: the policy counts on rules of Windows'' own. {0}'
        throw ($text -f ($texts -join '; '))
    }
}
$taken = @($plan | Where-Object { $_['Kind'] -eq 'NewRule' -and $_['Name'] -in $likeOurs })
if ($taken.Count -gt 0) {
    $text = 'Nothing was changed: rules that are not ours have these names: {0}.'
    throw ($text -f (@($taken | ForEach-Object { $_['Name'] }) -join ', '))
}
$parameters = @{
    Policy = $policy; Plan = $plan; Wanted = $wanted; Live = @($live.Values); Setting = $settings
    Store = $PolicyStore; AllowLockOut = [bool] $AllowLockOut
}
Assert-Reachable @parameters
$parameters = @{ Plan = $plan; Builtin = $builtinValues; Store = $PolicyStore }
Assert-Manageable @parameters -AllowLockOut ([bool] $AllowLockOut)
$internet = @($plan | Where-Object { $_['Layer'] -eq 'WinINet' -and $_['Kind'] -eq 'Proxy' })
if ($internet.Count -gt 0 -and
    $null -eq (Get-Command -Name 'Set-WinInetProxy' -ErrorAction SilentlyContinue)) {
    $text = 'the proxy settings of WinINet need the module WinInetProxy, which is missing. Get it'
    $text += ' with Save-Module on a computer that reaches the PowerShell Gallery and copy it to'
    $text += ' %ProgramFiles%\WindowsPowerShell\Modules'
    if ($Mode -eq 'Apply') {
        $text += ', or compile with proxy_settings = false.'
        throw ('Nothing was changed: {0}' -f $text)
    }
    Write-Warning -Message ('WinINet stays as it is: {0}, then run {1} again.' -f $text, $Mode)
    $plan = @($plan | Where-Object { "$($_['Subject'])" -ne 'Proxy of WinINet' })
}
if ($Mode -ne 'Restore' -and $backupFile -ne '' -and
    $PSCmdlet.ShouldProcess($backupFile, 'Write backup')) {
    # Of outbound actions those that are the policy's to set.
    foreach ($name in @(@($settings.Keys) -like 'Outbound *')) {
        $sets = $policy['Outbound'] -eq 'Block' -and ($name -split ' ')[1] -in $namesProfiles
        if (-not $sets -and -not $memory.ContainsKey($name)) {
            $settings.Remove($name)
        }
    }
    $parameters = @{ Policy = $policy; Store = $PolicyStore; State = $state; LastDay = $lastDays }
    Save-Backup @parameters -Path $backupFile
    [pscustomobject] @{ Name = $backupFile; Finding = 'Written'; Detail = '' }
}

# ---- doing it ----

$done = New-Object -TypeName 'System.Collections.Generic.List[object]'
$decided = @{}
$refused = $false
$saving = $false
$complete = $false
try {
    if (-not $isLocal -and $changes) {
        $parameters = @{ PolicyStore = $PolicyStore }
        if ($DomainController -ne '') {
            $parameters['DomainController'] = $DomainController
        }
        $store['Session'] = "$(Open-NetGPO @parameters -ErrorAction Stop)"
        Assert-SameVersion -Store $store -EveryRule $everyRule -Live $live
    }
    foreach ($change in $plan) {
        $name = $change['Name']
        $subject = $name
        if ($change.ContainsKey('Subject')) {
            $subject = $change['Subject']
        }
        # The guard has counted on every rule, and a new one may be in the place of an old one.
        $counts = $change['Kind'] -eq 'RemoveRule' -or
            ($name -like 'Outbound *' -and $wantedSettings[$name] -eq 'Block')
        if ($refused -and $counts -and -not $decided.ContainsKey($subject)) {
            Write-Warning -Message ('{0} is left alone: not every rule was wanted.' -f $name)
            $decided[$subject] = $false
        }
        if (-not $decided.ContainsKey($subject)) {
            $decided[$subject] = $PSCmdlet.ShouldProcess($subject, $change['Text'])
        }
        # A keyword stays if somebody wanted a rule to stay.
        $stays = $change['Kind'] -eq 'RemoveKeyword' -and $decided.Values -contains $false
        if ($stays -or -not $decided[$subject]) {
            $isRule = $change['Kind'] -match '^(New|Set)(Rule|Keyword)$'
            $refused = $refused -or ($isRule -and -not $WhatIfPreference)
            continue
        }
        $done.Add($change)
        try {
            Invoke-Change -Change $change -Store $store
        }
        catch {
            if ($change['Kind'] -eq 'NewRule' -and (Test-Taken -ErrorRecord $_)) {
                # Whoever made that rule keeps it.
                $done.Remove($change) | Out-Null
            }
            throw
        }
        if ("$($change['Finding'])" -ne '') {
            [pscustomobject] @{ Name = $subject; Finding = $change['Finding']; Detail = '' }
        }
    }
    if ($store['Session'] -ne '' -and @($done.ToArray()).Count -gt 0) {
        Save-StoreMemory -Store $store -Former $memory
        $saving = $true
        Save-NetGPO -GPOSession $store['Session'] -ErrorAction Stop
    }
    $complete = $true
}
finally {
    # Also when somebody presses Ctrl+C. Of a session nothing is in force before it is saved.
    if (-not $complete -and $isLocal) {
        Undo-All -Change $done.ToArray() -Store $store
    }
    elseif (-not $complete) {
        $text = 'Nothing of the session was saved: the object is as it was.'
        if ($saving) {
            $text = 'Saving failed: it is not known whether the object has changed. Run Verify.'
        }
        Write-Warning -Message $text -WarningAction Continue
    }
    if ($null -ne $store['Cim']) {
        Remove-CimSession -CimSession $store['Cim'] -Confirm:$false -WhatIf:$false
    }
    Exit-Run -Mutex $mutex
    $mutex = $null
}

if ($Mode -eq 'Apply' -and $isLocal -and -not $WhatIfPreference) {
    $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
    try {
        foreach ($item in @(Get-EnforcementFinding @parameters)) {
            $text = '{0}: not in force. {1}' -f $item.Name, $item.Detail
            Write-Warning -Message $text -WarningAction Continue
        }
    }
    catch {
        $text = 'All is done; whether it is in force is not known: {0}' -f $_
        Write-Warning -Message $text -WarningAction Continue
    }
}
