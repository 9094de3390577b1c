# Windows Firewall rules of server n1, cluster lab, made by hcipolc.

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
    table last, so there is no moment without rules. When a step fails, or somebody presses Ctrl+C,
    all steps before it are undone, the last one first. A second run changes nothing. Rules outside
    the group, and rules in it that the policy did not make, are never touched. What people read of
    a rule, its display name and description, is not compared.

    An exception is left out after its last day, by this machine's clock: Apply takes its rule away.
    Verify reports it as Expired until the policy is built anew, since what the policy denies beside
    it is denied without it until then.

    Windows lets a block rule beat every allow rule, and lets everything pass that any rule allows:
    rules that Windows or other software made keep allowing what they allow. Outbound traffic passes
    without a rule unless the profile's default outbound action is Block; Windows' default is Allow.
    The policy's target says whether this script sets it (lock_down); Remove puts back what it was.

    Where the policy's target says so (builtin), rules of Windows' own are enabled in place of rules
    of the policy. They are never created, edited or removed, and Remove puts back whether they were
    enabled. What was there before Apply is kept below HKLM:\SOFTWARE\hcipolc.

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
    Changes a machine although it has none of the server's addresses: another one, or the server
    with new addresses.
.PARAMETER AllowLockOut
    Changes rules or the default outbound action although, with outbound traffic blocked, this
    server could not reach its name servers, DHCP server or domain controller any more, or a server
    of the Group Policy object no domain controller.
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
    Invoke-Command -Session $session { C:\hci\server.ps1 -Mode Apply -BackupPath C:\hci\before.json }

    On a server to which Copy-Item -ToSession has copied the script: -FilePath passes values alone, no
    switches such as -WhatIf.
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
    Server     = 'n1'
    Group      = 'hcipolc:lab'
    NamePrefix = 'hcipolc-lab-'
    Profile    = 'Any'
    Outbound   = 'Unchanged'
    Address    = @(
        '192.168.10.11'
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
        Name          = 'hcipolc-lab-hci-between-servers.icmp-in-3c596b0b'
        DisplayName   = 'Between all servers of the cluster: ICMPv4 8 from servers (hci/between-servers.icmp)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-between-servers.smb-in-3a66f2a5'
        DisplayName   = 'Between all servers of the cluster (with ws-man): TCP 445, 5985 from servers (hci/between-servers.smb)'
        Description   = 'Rule hci/between-servers.smb. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('445', '5985')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.cluster-join-in-04d53478'
        DisplayName   = 'Failover Clustering (with rpc, rpc-dynamic and validation): TCP 135, 445, 3343, 49152-65535 from management (hci/failover-clustering.cluster-join)'
        Description   = 'Rule hci/failover-clustering.cluster-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('135', '445', '3343', '49152-65535')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.5')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.cluster-service-in-eb1a24d1'
        DisplayName   = 'Failover Clustering: UDP 3343 from management (hci/failover-clustering.cluster-service)'
        Description   = 'Rule hci/failover-clustering.cluster-service. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        LocalPort     = @('3343')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.5')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.icmp-in-d4257637'
        DisplayName   = 'Failover Clustering: ICMPv4 8 from management (hci/failover-clustering.icmp)'
        Description   = 'Rule hci/failover-clustering.icmp. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.5')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.node-join-in-1caf86d1'
        DisplayName   = 'Failover Clustering: TCP 3343 from servers (hci/failover-clustering.node-join)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        LocalPort     = @('3343')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.node-service-in-8f4d163e'
        DisplayName   = 'Failover Clustering: UDP 3343 from servers (hci/failover-clustering.node-service)'
        Description   = 'Rule hci/failover-clustering.node-service. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Inbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        LocalPort     = @('3343')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-between-servers.icmp-out-30abd752'
        DisplayName   = 'Between all servers of the cluster: ICMPv4 8 to servers (hci/between-servers.icmp)'
        Description   = 'Rule hci/between-servers.icmp. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'ICMPv4'
        IcmpType      = @('8')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-between-servers.smb-out-4170cbd6'
        DisplayName   = 'Between all servers of the cluster (with ws-man): TCP 445, 5985 to servers (hci/between-servers.smb)'
        Description   = 'Rule hci/between-servers.smb. Feature: Between all servers of the cluster. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#firewall-rules-and-port-requirements.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('445', '5985')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.node-join-out-a02e0e2d'
        DisplayName   = 'Failover Clustering: TCP 3343 to servers (hci/failover-clustering.node-join)'
        Description   = 'Rule hci/failover-clustering.node-join. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'TCP'
        RemotePort    = @('3343')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
    }
    @{
        Name          = 'hcipolc-lab-hci-failover-clustering.node-service-out-01894e0b'
        DisplayName   = 'Failover Clustering: UDP 3343 to servers (hci/failover-clustering.node-service)'
        Description   = 'Rule hci/failover-clustering.node-service. Feature: Failover Clustering. Source: https://learn.microsoft.com/azure-stack/hci/concepts/firewall-requirements#failover-clustering.'
        Direction     = 'Outbound'
        Action        = 'Allow'
        Protocol      = 'UDP'
        RemotePort    = @('3343')
        LocalAddress  = @('192.168.10.11')
        RemoteAddress = @('192.168.10.11-192.168.10.12')
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
    $ranges = @($Range | Where-Object { "$_" -ne '' })
    foreach ($item in $ranges) {
        $ends = @("$item" -split '-')
        if ("$item" -eq 'Any' -or ("$item" -match '^[0-9]+(-[0-9]+)?$' -and
                [int] $ends[0] -le $Port -and $Port -le [int] $ends[-1])) {
            return $true
        }
    }
    $ranges.Count -eq 0
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
        $idle = ($name -like '*Port' -and $protocol -notin @('tcp', 'udp')) -or
            ($name -eq 'IcmpType' -and $protocol -notin @('icmpv4', 'icmpv6'))
        if ($idle) {
            continue
        }
        $object = $Rule
        if ($item['Source'] -ne 'Rule') {
            $object = $Index[$item['Source']][$id]
        }
        $value = @(
            foreach ($one in @(Get-PropertyValue -InputObject $object -Name $name)) {
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
    $ignoreCase = [System.StringComparison]::OrdinalIgnoreCase
    $own = @{}
    $Rule |
        Where-Object { $_.Group -eq $Policy['Group'] } |
        Where-Object { $_.Name.StartsWith($prefix, $ignoreCase) -and $_.Name -ne "${prefix}memory" } |
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

function Test-Ended {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        # Of the table.
        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # An exception's last day is over, by this machine's clock.
    $day = [System.DateTime]::Today
    $today = '{0:d4}-{1:d2}-{2:d2}' -f $day.Year, $day.Month, $day.Day
    $Rule.ContainsKey('Until') -and [string]::CompareOrdinal($Rule['Until'], $today) -lt 0
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

function Undo-All {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Change,

        [Parameter(Mandatory = $true)]
        [hashtable] $Store
    )
    Write-Warning -Message 'Not everything could be done: what this run did is undone.'
    for ($i = $Change.Count - 1; $i -ge 0; $i--) {
        try {
            Undo-Change -Change $Change[$i] -Store $Store
        }
        catch {
            $text = '{0} could not be put back ({1}): {2}'
            Write-Warning -Message ($text -f $Change[$i]['Name'], $Change[$i]['Kind'], $_)
        }
    }
}
# ---- the engine, the machine: profiles and rules of Windows' own; the same in every script ------
# Apply may have to change two things that are not rules of ours: the outbound action of a profile
# ('Outbound Domain') and whether a rule of Windows' own is enabled ('Built-in RULE'; a Group Policy
# object may have none: Absent). What they were before is kept in the registry, which only
# administrators can write; in a Group Policy object, in a rule that is disabled and for addresses
# that nobody has.

$memoryRoot = 'HKLM:\SOFTWARE\hcipolc'

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

function Read-StoreMemory {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Rule,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    # NAME=VALUE; NAME=VALUE
    $table = @{}
    foreach ($item in @($Rule | Where-Object { $_.Name -eq $Name })) {
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
    while ($each.StartsWith($memoryRoot)) {
        $empty = (Test-Path -LiteralPath $each) -and (Get-RegistryTable -Key $each).Count -eq 0 -and
            @(Get-ChildItem -LiteralPath $each -ErrorAction Stop).Count -eq 0
        if ($empty) {
            Remove-Item -LiteralPath $each @quiet
        }
        $each = $each.Substring(0, $each.LastIndexOf('\'))
    }
}

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
            $source -ne 'Hardcoded') {
            $blocks += $item
        }
    }
    if ($blocks.Count -gt 0 -and $allows.Count -gt 0) {
        $names = @($blocks | Select-Object -First 3 | ForEach-Object { $_.DisplayName }) -join ', '
        $text = '{0} block rules of others are in force and beat every allow rule: {1}'
        Write-Warning -Message ($text -f $blocks.Count, $names)
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
# ---- the engine, guard: what a server cannot be without; the same in every script --------------
# With the default outbound action Block, a server that may not ask its name servers and domain
# controllers is lost to its administrators, and asks for no new Group Policy. Sessions from outside
# are not at risk: their replies need no rule. A need is what one program of Windows, or one service
# in it, asks of one address; an address is '' if none was found.

$nameNeed = 'UDP 53 system32\svchost.exe dnscache'
# What Test-Covered looks at; every other parameter narrows a rule.
$understood = @(
    'Name', 'DisplayName', 'Description', 'Group', 'Direction', 'Action', 'Enabled', 'Profile'
    'EdgeTraversalPolicy', 'LooseSourceMapping', 'LocalOnlyMapping', 'Protocol', 'LocalPort'
    'RemotePort', 'LocalAddress', 'RemoteAddress', 'Program', 'Service'
)

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
    # Of this server.
    $filter = 'IPEnabled = TRUE'
    $class = 'Win32_NetworkAdapterConfiguration'
    $cards = @(Get-CimInstance -ClassName $class -Filter $filter -ErrorAction Stop)
    foreach ($card in $cards) {
        foreach ($server in @(Get-PropertyValue -InputObject $card -Name 'DNSServerSearchOrder')) {
            if ("$server" -notmatch '^$|^127\.|^::1$') {
                $need = ConvertTo-Need -Text $nameNeed -Address "$server" -For 'name server'
                $need['Keyword'] = 'DNS'
                $need
            }
        }
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
    $blocks = "$($Rule['Action'])" -eq 'Block'
    $narrow = @($Rule.Keys | Where-Object { $_ -notin $understood })
    # Rules for packages are for apps, none of which asks.
    if (($narrow.Count -gt 0 -and -not $blocks) -or @($narrow -like 'Package*').Count -gt 0) {
        return $false
    }
    $protocol = ConvertTo-ProtocolText -Value "$($Rule['Protocol'])"
    if ($protocol -notin @('', 'any', $Need['Protocol'])) {
        return $false
    }
    $folder = '^(.*\\windows|%systemroot%|%windir%)\\(?=system32\\)'
    $service = "$($Rule['Service'])"
    if (("$($Rule['Program'])" -replace $folder, '') -notin @('', $Need['Program']) -or
        ($service -notin @('', $Need['Service']) -and -not ($blocks -and $service -eq '*'))) {
        return $false
    }
    if (-not (Test-Port -Port $Need['Port'] -Range $Rule['RemotePort']) -or
        -not ($blocks -or (Test-Port -Port $Need['LocalPort'] -Range $Rule['LocalPort']))) {
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
        [string] $Store
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
        if ($ignoring.Count -gt 0) {
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
            if ($found['Block'] -or -not $found['Allow']) {
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
    # Of a plan after which outbound traffic is blocked, whoever blocks it.
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
    if ($Plan.Count -eq 0 -or $blocked.Count -eq 0) {
        return
    }
    $server = 'this server'
    if (-not $isLocal) {
        $server = 'a server of this Group Policy object'
    }
    if (-not $isLocal -and $locks.Count -gt 0) {
        $text = 'Every computer that {0} is linked to will block outbound traffic.'
        Write-Warning -Message ($text -f $Store)
    }
    $lost = @(Get-LockOut -Policy $Policy -Wanted $Wanted -Store $Store)
    if ($lost.Count -gt 0 -and $locks.Count -eq 0) {
        # It may be so already.
        $before = @(Get-LockOut -Policy $Policy -Wanted $Live -Store $Store)
        $lost = @($lost | Where-Object { $_ -notin $before })
    }
    if ($lost.Count -eq 0) {
        return
    }
    $text = 'With outbound traffic blocked {0} could not reach: {1}.' -f $server, ($lost -join ', ')
    if (-not $AllowLockOut) {
        throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
    }
    Write-Warning -Message $text
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
        $ids | Where-Object { $_ } | ForEach-Object { "$_".Trim([char[]] '{}') }
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
    $text = [System.IO.File]::ReadAllText($Path)
    $backup = ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject $text)
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
    $backup
}
# ---- the engine, proxy: the server's own proxy settings; the same in every script ---------------
# Windows keeps four of them. WinINet is what the source document sets; WinHTTP is what services
# ask, the environment what agents and command lines ask, and the Azure Arc agent has its own. What
# was there before the first Apply is kept in the registry, which only administrators can write.

$proxyBackup = 'HKLM:\SOFTWARE\hcipolc\Proxy'
$internetSettings = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$internetPolicy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'

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
    # Every argument stays one argument: no shell stands between.
    $output = & $Name @Argument
    if ($LASTEXITCODE -ne 0) {
        throw ('{0} {1} failed with code {2}.' -f $Name, ($Argument -join ' '), $LASTEXITCODE)
    }
    "$output"
}

function Get-ArcProperty {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    $text = Invoke-ProxyTool -Name 'azcmagent.exe' -Argument @('config', 'get', $Name)
    $text.Trim([char[]] ' []"')
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
            if ($null -ne (Get-Command -Name 'azcmagent.exe' -ErrorAction SilentlyContinue)) {
                return @{
                    Server = Get-ArcProperty -Name 'proxy.url'
                    Bypass = Get-ArcProperty -Name 'proxy.bypass'
                }
            }
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
                    Write-Warning -Message 'WinINet: automatic detection was on and stays off now.'
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
                [System.Environment]::SetEnvironmentVariable($name, $State[$name], 'Machine')
            }
        }
        'Azure Arc agent' {
            # Older agents know no proxy.bypass: what is right already is not asked for.
            $current = Get-ProxyState -Layer $Layer
            foreach ($pair in @(@('proxy.url', 'Server'), @('proxy.bypass', 'Bypass'))) {
                $value = $State[$pair[1]]
                $arguments = @('config', 'set', $pair[0], $value)
                if ($value -eq '') {
                    $arguments = @('config', 'clear', $pair[0])
                }
                if ($value -ne $current[$pair[1]]) {
                    Invoke-ProxyTool -Name 'azcmagent.exe' -Argument $arguments | Out-Null
                }
            }
        }
    }
}

function Get-ProxyBackup {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    $text = Get-RegistryValue -Key $proxyBackup -Name $Layer
    if ($null -ne $text) {
        ConvertTo-Table -InputObject (ConvertFrom-Json -InputObject "$text")
    }
}

function Get-ProxyFinding {
    [CmdletBinding()]
    [OutputType([pscustomobject])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    # State is what the part should be set to; Former what it is now.
    $wanted = Get-WantedProxyState -Proxy $Proxy
    foreach ($layer in @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')) {
        $name = 'Proxy of {0}' -f $layer
        $backup = Get-ProxyBackup -Layer $layer
        if (-not $wanted.ContainsKey($layer) -and $null -eq $backup) {
            continue
        }
        $live = Get-ProxyState -Layer $layer
        # Of a part that is gone there is only the memory, which goes, too.
        if ($null -eq $live -and $wanted.ContainsKey($layer)) {
            continue
        }
        $finding = [pscustomobject] @{
            Name = $name; Finding = 'Stale'; Detail = ''; Layer = $layer; State = $backup
            Former = $live
        }
        if ($wanted.ContainsKey($layer)) {
            $state = $wanted[$layer]
            $different = @(
                foreach ($key in @($state.Keys | Sort-Object)) {
                    # Lists may come back in another order.
                    $right = ConvertTo-ListText -Value @($state[$key] -split '[;,\s]+')
                    $is = ConvertTo-ListText -Value @($live[$key] -split '[;,\s]+')
                    if ($right -ne $is) {
                        $key
                    }
                }
            )
            if ($different.Count -eq 0) {
                continue
            }
            $finding.State = $state
            $finding.Finding = 'Changed: {0}' -f ($different -join ', ')
            if ($null -eq $backup) {
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
        $memory = @{ Kind = 'Memory'; Name = $item.Layer; Key = $proxyBackup }
        $memory['Former'] = Get-RegistryValue -Key $proxyBackup -Name $item.Layer
        $memory['Value'] = $null
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
            if ($null -ne $item.Former) {
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
            $memory['Value'] = ConvertTo-Json -InputObject $item.Former -Compress
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
    $State['ProxyMemory'] = Get-RegistryTable -Key $proxyBackup
    foreach ($layer in @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')) {
        $live = Get-ProxyState -Layer $layer
        if ($null -ne $live) {
            $State['Proxy'][$layer] = $live
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
        [hashtable] $Backup
    )
    foreach ($layer in @($State['Proxy'].Keys | Sort-Object)) {
        if (-not $Backup['Proxy'].ContainsKey($layer)) {
            continue
        }
        $name = 'Proxy of {0}' -f $layer
        $wanted = $Backup['Proxy'][$layer]
        $live = $State['Proxy'][$layer]
        if (@($wanted.Keys | Where-Object { "$($wanted[$_])" -ne "$($live[$_])" }).Count -gt 0) {
            @{
                Kind = 'Proxy'; Name = $name; Layer = $layer; State = $wanted; Former = $live
                Text = 'Restore proxy'; Finding = 'Restored'; Subject = $name
            }
        }
        $memory = @{ Kind = 'Memory'; Name = $layer; Key = $proxyBackup; Subject = $name }
        $memory['Text'] = 'Restore proxy'
        $memory['Value'] = $Backup['ProxyMemory'][$layer]
        $memory['Former'] = $State['ProxyMemory'][$layer]
        if ("$($memory['Value'])" -ne "$($memory['Former'])") {
            $memory
        }
    }
}
# ---- the engine, the run: what is to be done, and doing it; the same in every script ------------

$isLocal = $PolicyStore -eq 'PersistentStore'
$store = @{ Name = $PolicyStore; Session = '' }
$store['MemoryRule'] = @{
    Name = '{0}memory' -f $policy['NamePrefix']; Group = $policy['Group']; Enabled = 'False'
    DisplayName = 'hcipolc: what this object had before'; Direction = 'Inbound'; Action = 'Allow'
    Protocol = 'TCP'; LocalAddress = '192.0.2.1'; RemoteAddress = '192.0.2.1'
}
$changes = $Mode -in @('Apply', 'Remove', 'Restore')
$memoryKey = '{0}\Firewall\{1}' -f $memoryRoot, $policy['NamePrefix'].TrimEnd('-')
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
        throw ('Nothing was changed: {0} is there already and is not overwritten.' -f $backupFile)
    }
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
}
else {
    $memory = Read-StoreMemory -Rule $everyRule -Name $store['MemoryRule']['Name']
    $store['Memory'] = $memory.Clone()
}
$names = @($builtin | ForEach-Object { 'Built-in {0}' -f $_['Name'] })
$names = @(@($names) + @($memory.Keys) + @($backup['Setting'].Keys) -like 'Built-in *')
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
$liveKeywords = Get-DynamicKeyword

$state = @{
    Rule = $live; Keyword = $liveKeywords; Setting = $settings; Memory = $memory; Proxy = @{}
    ProxyMemory = @{}
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
$ended = @{}
foreach ($item in @($rules | Where-Object { Test-Ended -Rule $_ })) {
    $ended[$item['Name']] = $item['Until']
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
        if ($memory.ContainsKey($name)) {
            $remembered[$name] = $memory[$name]
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
# What Apply changed once and the policy does not ask for any more.
$stale = @{}
foreach ($name in @($memory.Keys)) {
    if (-not $wantedSettings.ContainsKey($name)) {
        $stale[$name] = $memory[$name]
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
foreach ($name in @($wantedSettings.Keys | Where-Object { $_ -like 'Outbound *' })) {
    if ($settings[$name] -ne $wantedSettings[$name]) {
        $detail = 'Default action is {0}, should be {1}' -f $settings[$name],
        $wantedSettings[$name]
        $settingFindings += [pscustomobject] @{
            Name = $name; Finding = 'Changed: DefaultOutboundAction'; Detail = $detail
        }
    }
}
foreach ($name in @($stale.Keys | Sort-Object)) {
    $detail = 'Set by an earlier version of the policy; was {0}' -f $stale[$name]
    $settingFindings += [pscustomobject] @{ Name = $name; Finding = 'Stale'; Detail = $detail }
}
if ($setsProxy -and $Mode -ne 'Restore') {
    $wantedProxy = $proxy
    if ($Mode -eq 'Remove') {
        $wantedProxy = @{ Settings = 'None' }
    }
    $proxyFindings = @(Get-ProxyFinding -Proxy $wantedProxy)
}

# Windows cannot give a rule another group, and Apply touches none but ours.
$likeOurs = @(
    $everyRule | Where-Object { "$($_.Name)" -like "$($policy['NamePrefix'])*" } |
        Where-Object { $_.Group -ne $policy['Group'] } | ForEach-Object { $_.Name }
)
if ($likeOurs.Count -gt 0 -and $Mode -in @('Verify', 'Apply', 'Remove')) {
    $text = 'Rules of this policy''s name in another group stay as they are; remove them with the'
    $text += ' script that made them: {0}'
    Write-Warning -Message ($text -f ($likeOurs -join ', '))
}

if ($Mode -in @('Apply', 'Restore')) {
    foreach ($name in @($ended.Keys | Sort-Object)) {
        $text = '{0} is left out: its exception ended on {1}. Build the policy anew.'
        Write-Warning -Message ($text -f $name, $ended[$name])
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
    if ($isLocal -and $ignoresProxy -and (Get-RegistryTable -Key $proxyBackup).Count -gt 0) {
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
                Get-ProxyRestore -State $state -Backup $backup
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
$internet = @($plan | Where-Object { $_['Layer'] -eq 'WinINet' -and $_['Kind'] -eq 'Proxy' })
if ($internet.Count -gt 0 -and
    $null -eq (Get-Command -Name 'Set-WinInetProxy' -ErrorAction SilentlyContinue)) {
    $text = 'the proxy settings of WinINet need the module WinInetProxy, which is missing. Get it'
    $text += ' with Save-Module on a computer that reaches the PowerShell Gallery and copy it to'
    $text += ' %ProgramFiles%\WindowsPowerShell\Modules'
    if ($Mode -ne 'Remove') {
        $text += ', or compile with proxy_settings = false.'
        throw ('Nothing was changed: {0}' -f $text)
    }
    Write-Warning -Message ('WinINet stays as it is: {0}, then run Remove again.' -f $text)
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
    Save-Backup -Policy $policy -Store $PolicyStore -State $state -Path $backupFile
    [pscustomobject] @{ Name = $backupFile; Finding = 'Written'; Detail = '' }
}

# ---- doing it ----

$done = New-Object -TypeName 'System.Collections.Generic.List[object]'
$decided = @{}
$complete = $false
try {
    foreach ($change in $plan) {
        $name = $change['Name']
        $subject = $name
        if ($change.ContainsKey('Subject')) {
            $subject = $change['Subject']
        }
        if (-not $decided.ContainsKey($subject)) {
            $decided[$subject] = $PSCmdlet.ShouldProcess($subject, $change['Text'])
        }
        # A keyword stays if somebody wanted a rule to stay.
        $stays = $change['Kind'] -eq 'RemoveKeyword' -and $decided.Values -contains $false
        if ($stays -or -not $decided[$subject]) {
            continue
        }
        if (-not $isLocal -and $store['Session'] -eq '') {
            $parameters = @{ PolicyStore = $PolicyStore }
            if ($DomainController -ne '') {
                $parameters['DomainController'] = $DomainController
            }
            $store['Session'] = "$(Open-NetGPO @parameters -ErrorAction Stop)"
        }
        $done.Add($change)
        Invoke-Change -Change $change -Store $store
        if ("$($change['Finding'])" -ne '') {
            [pscustomobject] @{ Name = $subject; Finding = $change['Finding']; Detail = '' }
        }
    }
    if ($store['Session'] -ne '') {
        Save-StoreMemory -Store $store -Former $memory
        Save-NetGPO -GPOSession $store['Session'] -ErrorAction Stop
    }
    $complete = $true
}
finally {
    # Also when somebody presses Ctrl+C. Of a session nothing is in force before it is saved.
    if (-not $complete -and $store['Session'] -eq '') {
        Undo-All -Change $done.ToArray() -Store $store
    }
    elseif (-not $complete) {
        Write-Warning -Message 'Nothing of the session was saved: the object is as it was.'
    }
    if ($null -ne $store['Cim']) {
        Remove-CimSession -CimSession $store['Cim'] -Confirm:$false -WhatIf:$false
    }
}

if ($Mode -eq 'Apply' -and $isLocal) {
    $parameters = @{ Policy = $policy; Wanted = $wanted; Keyword = $keywords }
    try {
        foreach ($item in @(Get-EnforcementFinding @parameters)) {
            Write-Warning -Message ('{0}: not in force. {1}' -f $item.Name, $item.Detail)
        }
    }
    catch {
        Write-Warning -Message ('All is done; whether it is in force is not known: {0}' -f $_)
    }
}
